import { useId, type ReactNode } from "react";

export function Card({ title, text, badge, children }: { title: string; text?: ReactNode; badge?: ReactNode; children: ReactNode }) {
  const id = useId();
  return (
    <section className="card" aria-labelledby={id}>
      <div className="card-head">
        <h2 id={id}>{title}</h2>
        {badge}
      </div>
      {text && <p className="muted">{text}</p>}
      {children}
    </section>
  );
}
