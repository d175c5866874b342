import type { Metadata } from "next";
import { VerifyBanner } from "@/components/auth/VerifyBanner";
import { DeleteAccount } from "@/components/settings/DeleteAccount";
import { EmailForm } from "@/components/settings/EmailForm";
import { ProfileForm } from "@/components/settings/ProfileForm";

export const metadata: Metadata = { title: "Profile" };

export default function ProfilePage() {
  return (
    <>
      <h1>Profile</h1>
      <VerifyBanner />
      <ProfileForm />
      <EmailForm />
      <DeleteAccount />
    </>
  );
}
