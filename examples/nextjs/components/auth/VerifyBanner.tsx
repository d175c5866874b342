"use client";

import { useState } from "react";
import { Alert } from "@/components/ui/Alert";
import { Button } from "@/components/ui/Button";
import { useAuth } from "@/lib/auth/AuthProvider";
import { authClient } from "@/lib/auth/client";
import { failureOf, unreachable, type Failure } from "@/lib/forms/failure";

/** For who is signed in with an address that is not verified. */
export function VerifyBanner() {
  const { user } = useAuth();
  const [state, setState] = useState<"idle" | "pending" | "sent">("idle");
  const [failure, setFailure] = useState<Failure | null>(null);
  if (!user || user.emailVerified) return null;
  const { email } = user;

  async function send() {
    setState("pending");
    const failure = await authClient.sendVerificationEmail({ email, callbackURL: "/email-verified" }).then(failureOf, unreachable);
    setFailure(failure);
    setState(failure ? "idle" : "sent");
  }

  if (failure) return <Alert kind="error">{failure.message}</Alert>;
  if (state === "sent") return <Alert kind="success">A link is on its way to {email}.</Alert>;
  return (
    <div className="banner">
      <p>
        <strong>{email}</strong> is not verified yet.
      </p>
      <Button pending={state === "pending"} onClick={send}>
        Send a verification link
      </Button>
    </div>
  );
}
