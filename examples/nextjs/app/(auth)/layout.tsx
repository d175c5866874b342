import Link from "next/link";
import type { ReactNode } from "react";
import { Brand } from "@/components/Brand";
import { ServerThemeSwitch } from "@/components/ServerThemeSwitch";

export default function AuthLayout({ children }: { children: ReactNode }) {
  return (
    <div className="auth">
      <div className="auth-side">
        <header className="auth-head">
          <Link className="brand" href="/">
            <Brand />
          </Link>
          <ServerThemeSwitch />
        </header>
        <main id="main" className="auth-main" tabIndex={-1}>
          {children}
        </main>
      </div>
      <aside className="auth-picture" aria-hidden>
        <div className="picture-list">
          <p className="picture-title">Today</p>
          <ul>
            <li className="done">Write down what matters</li>
            <li className="done">Do one thing at a time</li>
            <li>Tick it off</li>
            <li>Close the laptop</li>
          </ul>
        </div>
      </aside>
    </div>
  );
}
