import type { Metadata } from "next";
import Link from "next/link";
import { AuthCard } from "@/components/auth/AuthCard";

export const metadata: Metadata = { title: "Account deleted" };

export default function GoodbyePage() {
  return (
    <AuthCard title="Your account is deleted" subtitle="Everything that the account held is gone. Thank you for having been here.">
      <Link className="button button-secondary" href="/">
        To the start page
      </Link>
    </AuthCard>
  );
}
