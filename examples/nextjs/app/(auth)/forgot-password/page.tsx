import type { Metadata } from "next";
import { AuthCard } from "@/components/auth/AuthCard";
import { PasswordResetForm } from "@/components/auth/PasswordResetForm";

export const metadata: Metadata = { title: "Forgotten password" };

export default function ForgotPasswordPage() {
  return (
    <AuthCard title="Forgotten your password?" subtitle="Tell us your address, and we mail you a link to set a new one.">
      <PasswordResetForm />
    </AuthCard>
  );
}
