"use client";

import { useAuth } from "@/lib/auth/AuthProvider";

export function Greeting() {
  const { user } = useAuth();
  const name = user?.name.trim().split(/\s+/, 1)[0];
  return <h1>{name ? `Hello, ${name}` : "Hello"}</h1>;
}
