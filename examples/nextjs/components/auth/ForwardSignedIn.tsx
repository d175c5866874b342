"use client";

import { useRouter } from "next/navigation";
import { useEffect } from "react";
import { useAuth } from "@/lib/auth/AuthProvider";
import { callbackPath } from "@/lib/auth/callback";

/** Sends who is signed in already past the pages for signing in. */
export function ForwardSignedIn({ callbackUrl }: { callbackUrl?: string }) {
  const { isAuthenticated } = useAuth();
  const router = useRouter();
  useEffect(() => {
    if (isAuthenticated) router.replace(callbackPath(callbackUrl));
  }, [isAuthenticated, callbackUrl, router]);
  return null;
}
