"use client";

import { useRef, useState } from "react";
import { ProviderIcon } from "@/components/auth/ProviderIcon";
import { Alert } from "@/components/ui/Alert";
import { Button } from "@/components/ui/Button";
import { Card } from "@/components/ui/Card";
import { Skeleton } from "@/components/ui/Skeleton";
import { authClient } from "@/lib/auth/client";
import { PROVIDERS, providerName, type Provider } from "@/lib/auth/providers";
import { failureOf, unreachable, type Failure } from "@/lib/forms/failure";
import { useLoad, type Loaded } from "@/lib/useLoad";
import { SetPasswordButton } from "./SetPasswordButton";
import { SignInAgain } from "./SignInAgain";

const PAGE = "/settings/accounts";

type Account = { id: string; providerId: string; createdAt: Date };

export function LinkedAccounts() {
  const { data: accounts, failure, reload } = useLoad(loadAccounts);
  const [busy, setBusy] = useState<string | null>(null);
  const [editFailure, setEditFailure] = useState<Failure | null>(null);
  const [news, setNews] = useState("");
  const list = useRef<HTMLUListElement>(null);

  async function link(provider: Provider) {
    setBusy(provider);
    const failure = await authClient
      .linkSocial({ provider, callbackURL: PAGE, errorCallbackURL: PAGE })
      .then(failureOf, unreachable);
    setEditFailure(failure);
    // Without a failure, the provider's page is on its way.
    if (failure) setBusy(null);
  }

  async function unlink({ id, providerId }: Account) {
    setBusy(id);
    const failure = await authClient.unlinkAccount({ accountId: id }).then(failureOf, unreachable);
    setBusy(null);
    setEditFailure(failure);
    if (failure) return;
    setNews(`${name(providerId)} is no way to sign in any more.`);
    list.current?.focus();
    reload();
  }

  const missing = PROVIDERS.filter(({ id }) => !accounts?.some(({ providerId }) => providerId === id));
  const hasPassword = accounts?.some(({ providerId }) => providerId === "credential");
  return (
    <Card title="Ways to sign in" text="Everything here opens your account. A provider’s account can be linked if it has your e-mail address.">
      {failure && (
        <Alert kind="error">
          {failure.message} <SignInAgain failure={failure} />
        </Alert>
      )}
      {editFailure && (
        <Alert kind="error">
          {editFailure.message} <SignInAgain failure={editFailure} />
        </Alert>
      )}
      {news && <Alert kind="success">{news}</Alert>}
      {!accounts && !failure && <Skeleton label="Loading your accounts" />}
      {accounts && (
        <>
          <ul className="rows" ref={list} tabIndex={-1} aria-label="Ways to sign in">
            {accounts.map((account) => (
              <li key={account.id}>
                <ProviderIcon id={account.providerId} />
                <div className="row-text">
                  <p>{name(account.providerId)}</p>
                  <p className="muted">Since {account.createdAt.toLocaleDateString(undefined, { dateStyle: "medium" })}</p>
                </div>
                {accounts.length > 1 && (
                  <Button aria-label={`Unlink ${name(account.providerId)}`} pending={busy === account.id} onClick={() => unlink(account)}>
                    Unlink
                  </Button>
                )}
              </li>
            ))}
          </ul>
          {accounts.length === 0 && <p className="empty">You sign in by mailed links alone.</p>}
          <div className="row">
            {missing.map(({ id, name }) => (
              <Button key={id} icon={<ProviderIcon id={id} />} pending={busy === id} onClick={() => link(id)}>
                Link {name}
              </Button>
            ))}
            {!hasPassword && <SetPasswordButton />}
          </div>
        </>
      )}
    </Card>
  );
}

async function loadAccounts(): Promise<Loaded<Account[]>> {
  const result = await authClient.listAccounts();
  const failure = failureOf(result);
  return failure ? { failure } : { data: result.data ?? [] };
}

const name = (providerId: string) => (providerId === "credential" ? "Password" : providerName(providerId));
