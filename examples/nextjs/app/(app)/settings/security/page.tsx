import type { Metadata } from "next";
import { PasswordForm } from "@/components/settings/PasswordForm";
import { TwoFactorSettings } from "@/components/settings/TwoFactorSettings";

export const metadata: Metadata = { title: "Security" };

export default function SecurityPage() {
  return (
    <>
      <h1>Security</h1>
      <PasswordForm />
      <TwoFactorSettings />
    </>
  );
}
