import type { ReactNode } from "react";
import { Icon } from "./Icon";

const ICONS = { error: "alert", success: "check", info: "info" } as const;

/** Something that happened, read out when it appears. */
export function Alert({ kind, children }: { kind: keyof typeof ICONS; children: ReactNode }) {
  return (
    <div className={`alert alert-${kind}`} role={kind === "error" ? "alert" : "status"}>
      <Icon name={ICONS[kind]} />
      <div>{children}</div>
    </div>
  );
}
