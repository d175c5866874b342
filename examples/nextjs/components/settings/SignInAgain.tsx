"use client";

import { usePathname } from "next/navigation";
import { Button } from "@/components/ui/Button";
import { useAuth } from "@/lib/auth/AuthProvider";
import type { Failure } from "@/lib/forms/failure";

/** What the service gives to a sign-in of the last day alone: offers to sign in again, and to come back. */
export function SignInAgain({ failure }: { failure: Failure }) {
  const { leave } = useAuth();
  const pathname = usePathname();
  const old = failure.code === "SESSION_NOT_FRESH" || failure.code === "SESSION_EXPIRED" || failure.code === "UNAUTHORIZED";
  if (!old) return null;
  return (
    <Button onClick={() => leave(`/login?${new URLSearchParams({ reason: "fresh", callbackUrl: pathname })}`)}>
      Sign in again
    </Button>
  );
}
