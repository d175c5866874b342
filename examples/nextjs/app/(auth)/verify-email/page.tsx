import type { Metadata } from "next";
import Link from "next/link";
import { AuthCard } from "@/components/auth/AuthCard";
import { VerifyEmailForm } from "@/components/auth/VerifyEmailForm";

export const metadata: Metadata = { title: "Verify your address" };

export default function VerifyEmailPage() {
  return (
    <AuthCard
      title="Verify your address"
      subtitle="We mailed you a link. Follow it in this browser, and your account is ready. It works once, for an hour."
    >
      <p className="muted">Nothing there? Look into the spam folder, or have it sent again.</p>
      <VerifyEmailForm />
      <p className="centered">
        Verified already? <Link href="/login">Sign in</Link>
      </p>
    </AuthCard>
  );
}
