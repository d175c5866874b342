"use client";

import { useState } from "react";
import { Button } from "@/components/ui/Button";
import { Icon } from "@/components/ui/Icon";
import { useAuth } from "@/lib/auth/AuthProvider";
import { signOut } from "@/lib/auth/client";

export function SignOutButton() {
  const { leave } = useAuth();
  const [state, setState] = useState<"idle" | "pending" | "failed">("idle");

  async function signOutAndLeave() {
    setState("pending");
    const ended = await signOut().then(({ error }) => !error, () => false);
    if (ended) leave("/login?reason=signed-out");
    else setState("failed");
  }

  return (
    <>
      <Button kind="quiet" className="sign-out" icon={<Icon name="sign-out" />} pending={state === "pending"} onClick={signOutAndLeave}>
        <span className="button-text">Sign out</span>
      </Button>
      <span className="sr-only" role="alert">
        {state === "failed" && "Signing out did not work. Try again."}
      </span>
    </>
  );
}
