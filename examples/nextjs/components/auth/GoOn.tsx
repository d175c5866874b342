"use client";

import Link from "next/link";
import { useAuth } from "@/lib/auth/AuthProvider";

/** The link may have signed its reader in, or the reader was signed in before. */
export function GoOn() {
  const { isAuthenticated } = useAuth();
  return (
    <Link className="button button-primary" href={isAuthenticated ? "/dashboard" : "/login"}>
      {isAuthenticated ? "Go to your dashboard" : "Sign in"}
    </Link>
  );
}
