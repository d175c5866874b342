import type { Metadata } from "next";
import Link from "next/link";
import { AuthCard } from "@/components/auth/AuthCard";
import { NewPasswordForm } from "@/components/auth/NewPasswordForm";
import { Alert } from "@/components/ui/Alert";
import { single } from "@/lib/parameters";

export const metadata: Metadata = { title: "New password", referrer: "no-referrer" };

/** Where the mailed link leads: with `token`, or with `error` when the link works no more. */
export default async function ResetPasswordPage({ searchParams }: PageProps<"/reset-password">) {
  const token = single((await searchParams).token);
  if (token) {
    return (
      <AuthCard title="Choose a new password" subtitle="It replaces the old one, and signs you out everywhere.">
        <NewPasswordForm token={token} />
      </AuthCard>
    );
  }
  return (
    <AuthCard title="This link does not work">
      <Alert kind="error">It was used before, has expired, or is not complete.</Alert>
      <Link className="button button-primary" href="/forgot-password">
        Send me a new link
      </Link>
    </AuthCard>
  );
}
