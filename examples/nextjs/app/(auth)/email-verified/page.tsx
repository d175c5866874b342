import type { Metadata } from "next";
import Link from "next/link";
import { AuthCard } from "@/components/auth/AuthCard";
import { GoOn } from "@/components/auth/GoOn";
import { Alert } from "@/components/ui/Alert";
import { redirectFailure } from "@/lib/forms/failure";
import { single } from "@/lib/parameters";

export const metadata: Metadata = { title: "Address verified" };

/** Where the link of a verification mail leads; with `error` when it works no more. */
export default async function EmailVerifiedPage({ searchParams }: PageProps<"/email-verified">) {
  const failure = redirectFailure(single((await searchParams).error));
  if (failure) {
    return (
      <AuthCard title="This link does not work">
        <Alert kind="error">{failure}</Alert>
        <Link className="button button-primary" href="/verify-email">
          Send me a new link
        </Link>
      </AuthCard>
    );
  }
  return (
    <AuthCard title="Your address is verified" subtitle="Thank you. Your account is ready.">
      <GoOn />
    </AuthCard>
  );
}
