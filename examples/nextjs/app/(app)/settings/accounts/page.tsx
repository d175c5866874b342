import type { Metadata } from "next";
import { LinkedAccounts } from "@/components/settings/LinkedAccounts";
import { Alert } from "@/components/ui/Alert";
import { redirectFailure } from "@/lib/forms/failure";
import { single } from "@/lib/parameters";

export const metadata: Metadata = { title: "Linked accounts" };

/** A provider's page leads back here, with `error` if the account was not linked. */
export default async function AccountsPage({ searchParams }: PageProps<"/settings/accounts">) {
  const failure = redirectFailure(single((await searchParams).error));
  return (
    <>
      <h1>Linked accounts</h1>
      {failure && <Alert kind="error">{failure}</Alert>}
      <LinkedAccounts />
    </>
  );
}
