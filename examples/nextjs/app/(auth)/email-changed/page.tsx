import type { Metadata } from "next";
import Link from "next/link";
import { AuthCard } from "@/components/auth/AuthCard";
import { ChangedEmail } from "@/components/auth/ChangedEmail";
import { Alert } from "@/components/ui/Alert";
import { redirectFailure } from "@/lib/forms/failure";
import { single } from "@/lib/parameters";

export const metadata: Metadata = { title: "Change of address" };

/** Where both links of a change of address lead: the old address's, and then the new one's. */
export default async function EmailChangedPage({ searchParams }: PageProps<"/email-changed">) {
  const failure = redirectFailure(single((await searchParams).error));
  if (failure) {
    return (
      <AuthCard title="This link does not work">
        <Alert kind="error">{failure}</Alert>
        <Link className="button button-primary" href="/settings">
          Go to the settings
        </Link>
      </AuthCard>
    );
  }
  return (
    <AuthCard title="That worked">
      <ChangedEmail />
    </AuthCard>
  );
}
