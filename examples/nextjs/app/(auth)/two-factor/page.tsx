import type { Metadata } from "next";
import { AuthCard } from "@/components/auth/AuthCard";
import { TwoFactorChallenge } from "@/components/auth/TwoFactorChallenge";
import { single } from "@/lib/parameters";

export const metadata: Metadata = { title: "Second step" };

/** The service sends people here too, from a provider or a mailed link, with its own `callbackURL`. */
export default async function TwoFactorPage({ searchParams }: PageProps<"/two-factor">) {
  const { callbackUrl, callbackURL } = await searchParams;
  return (
    <AuthCard title="One more step" subtitle="Your account is protected by a second factor.">
      <TwoFactorChallenge callbackUrl={single(callbackUrl) ?? single(callbackURL)} />
    </AuthCard>
  );
}
