"use client";

import { useState } from "react";
import { Button } from "@/components/ui/Button";
import { useAuth } from "@/lib/auth/AuthProvider";
import { authClient } from "@/lib/auth/client";
import { failureOf, unreachable } from "@/lib/forms/failure";

/** For who came by a provider or a mailed link and has no password: it is set by the reset link. */
export function SetPasswordButton() {
  const { user } = useAuth();
  const [pending, setPending] = useState(false);
  const [said, setSaid] = useState("");

  async function send() {
    if (!user) return;
    setPending(true);
    const failure = await authClient
      .requestPasswordReset({ email: user.email, redirectTo: "/reset-password" })
      .then(failureOf, unreachable);
    setPending(false);
    setSaid(failure?.message ?? `A link is on its way to ${user.email}.`);
  }

  return (
    <>
      <Button pending={pending} onClick={send}>
        Mail me a link to set a password
      </Button>
      <span role="status">{said && ` ${said}`}</span>
    </>
  );
}
