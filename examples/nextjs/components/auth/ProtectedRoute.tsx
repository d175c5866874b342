"use client";

import { usePathname, useRouter } from "next/navigation";
import { useEffect, type ReactNode } from "react";
import { Alert } from "@/components/ui/Alert";
import { Button } from "@/components/ui/Button";
import { Skeleton } from "@/components/ui/Skeleton";
import { useAuth } from "@/lib/auth/AuthProvider";
import { withCallback } from "@/lib/auth/callback";

/**
 * Shows its children to who is signed in, and leads everybody else to the sign-in, also when the
 * session ends while the page is open. This is for people; what guards data are the APIs.
 */
export function ProtectedRoute({ children }: { children: ReactNode }) {
  const { isAuthenticated, isLoading, isUnavailable, isLeaving, refreshSession } = useAuth();
  const router = useRouter();
  const pathname = usePathname();
  const isSignedOut = !isAuthenticated && !isLoading && !isUnavailable && !isLeaving;

  useEffect(() => {
    if (isSignedOut) router.replace(withCallback("/login", pathname));
  }, [isSignedOut, pathname, router]);

  if (isAuthenticated && !isLeaving) return children;
  if (isUnavailable) {
    return (
      <div className="stack">
        <h1>Not available right now</h1>
        <Alert kind="error">We cannot tell whether you are signed in: the service cannot be reached.</Alert>
        <div>
          <Button onClick={refreshSession}>Try again</Button>
        </div>
      </div>
    );
  }
  return (
    <>
      <h1 className="sr-only">Loading</h1>
      <Skeleton label="Loading the page" lines={5} />
    </>
  );
}
