"use client";

import Link from "next/link";
import { useAuth } from "@/lib/auth/AuthProvider";

export function StartLinks() {
  const { isAuthenticated } = useAuth();
  if (isAuthenticated) {
    return (
      <div className="hero-links">
        <Link className="button button-primary" href="/dashboard">
          Go to your dashboard
        </Link>
      </div>
    );
  }
  return (
    <div className="hero-links">
      <Link className="button button-primary" href="/signup">
        Create an account
      </Link>
      <Link className="button button-secondary" href="/login">
        Sign in
      </Link>
    </div>
  );
}
