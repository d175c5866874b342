import type { Metadata } from "next";
import Link from "next/link";
import { AuthCard } from "@/components/auth/AuthCard";
import { ForwardSignedIn } from "@/components/auth/ForwardSignedIn";
import { OAuthButtons } from "@/components/auth/OAuthButtons";
import { SignInForm } from "@/components/auth/SignInForm";
import { Alert } from "@/components/ui/Alert";
import { Icon } from "@/components/ui/Icon";
import { withCallback } from "@/lib/auth/callback";
import { redirectFailure } from "@/lib/forms/failure";
import { single } from "@/lib/parameters";

export const metadata: Metadata = { title: "Sign in" };

export default async function LoginPage({ searchParams }: PageProps<"/login">) {
  const parameters = await searchParams;
  const callbackUrl = single(parameters.callbackUrl);
  const failure = redirectFailure(single(parameters.error));
  const reason = single(parameters.reason);
  return (
    <AuthCard title="Welcome back" subtitle="Sign in to go on.">
      {/* With a reason, somebody who looks signed in has to sign in again. */}
      {!reason && <ForwardSignedIn callbackUrl={callbackUrl} />}
      {failure && <Alert kind="error">{failure}</Alert>}
      {reason === "expired" && <Alert kind="info">Your session is over. Sign in again to go on where you were.</Alert>}
      {reason === "fresh" && <Alert kind="info">For this step, show once more that it is you.</Alert>}
      {reason === "signed-out" && <Alert kind="success">You are signed out.</Alert>}
      <SignInForm callbackUrl={callbackUrl} />
      <div className="divider">or</div>
      <OAuthButtons callbackUrl={callbackUrl} />
      <Link className="button button-secondary" href={withCallback("/magic-link", callbackUrl)}>
        <span className="button-label">
          <Icon name="mail" />
          Mail me a sign-in link
        </span>
      </Link>
      <p className="centered">
        New here? <Link href={withCallback("/signup", callbackUrl)}>Create an account</Link>
      </p>
    </AuthCard>
  );
}
