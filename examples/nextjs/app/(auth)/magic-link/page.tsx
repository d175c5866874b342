import type { Metadata } from "next";
import { AuthCard } from "@/components/auth/AuthCard";
import { ForwardSignedIn } from "@/components/auth/ForwardSignedIn";
import { MagicLinkForm } from "@/components/auth/MagicLinkForm";
import { Alert } from "@/components/ui/Alert";
import { redirectFailure } from "@/lib/forms/failure";
import { single } from "@/lib/parameters";

export const metadata: Metadata = { title: "Sign in by mail" };

export default async function MagicLinkPage({ searchParams }: PageProps<"/magic-link">) {
  const parameters = await searchParams;
  const callbackUrl = single(parameters.callbackUrl);
  const failure = redirectFailure(single(parameters.error));
  return (
    <AuthCard title="Sign in by mail" subtitle="No password: we mail you a link that signs you in. New addresses get an account.">
      <ForwardSignedIn callbackUrl={callbackUrl} />
      {failure && <Alert kind="error">{failure}</Alert>}
      <MagicLinkForm callbackUrl={callbackUrl} />
    </AuthCard>
  );
}
