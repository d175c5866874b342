import type { Metadata } from "next";
import Link from "next/link";
import { AuthCard } from "@/components/auth/AuthCard";
import { ForwardSignedIn } from "@/components/auth/ForwardSignedIn";
import { OAuthButtons } from "@/components/auth/OAuthButtons";
import { SignUpForm } from "@/components/auth/SignUpForm";
import { withCallback } from "@/lib/auth/callback";
import { single } from "@/lib/parameters";

export const metadata: Metadata = { title: "Create an account" };

export default async function SignUpPage({ searchParams }: PageProps<"/signup">) {
  const callbackUrl = single((await searchParams).callbackUrl);
  return (
    <AuthCard title="Create your account" subtitle="It takes a minute.">
      <ForwardSignedIn callbackUrl={callbackUrl} />
      <SignUpForm callbackUrl={callbackUrl} />
      <div className="divider">or</div>
      <OAuthButtons callbackUrl={callbackUrl} />
      <p className="centered">
        Have an account? <Link href={withCallback("/login", callbackUrl)}>Sign in</Link>
      </p>
    </AuthCard>
  );
}
