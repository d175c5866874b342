"use client";

import Link from "next/link";
import type { ReactNode } from "react";
import { Button } from "@/components/ui/Button";
import { Outcome } from "./Outcome";

export function MailSent({ again, children }: { again: () => void; children: ReactNode }) {
  return (
    <Outcome icon="mail" title="Check your inbox">
      <p>{children}</p>
      <p className="muted">Nothing there? Look into the spam folder, or ask again in a minute.</p>
      <Button onClick={again}>Ask again</Button>
      <p>
        <Link href="/login">Back to sign in</Link>
      </p>
    </Outcome>
  );
}
