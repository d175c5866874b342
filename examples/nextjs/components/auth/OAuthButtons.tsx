"use client";

import { useState } from "react";
import { Alert } from "@/components/ui/Alert";
import { Button } from "@/components/ui/Button";
import { callbackPath } from "@/lib/auth/callback";
import { signIn } from "@/lib/auth/client";
import { PROVIDERS, type Provider } from "@/lib/auth/providers";
import { failureOf, unreachable, type Failure } from "@/lib/forms/failure";
import { ProviderIcon } from "./ProviderIcon";

/** The client goes to the provider's page by itself when the service has named it. */
export function OAuthButtons({ callbackUrl }: { callbackUrl?: string }) {
  const [leaving, setLeaving] = useState<Provider | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);

  async function start(provider: Provider) {
    setLeaving(provider);
    setFailure(null);
    const failure = await signIn
      .social({ provider, callbackURL: callbackPath(callbackUrl), errorCallbackURL: "/login" })
      .then(failureOf, unreachable);
    if (!failure) return;
    setFailure(failure);
    setLeaving(null);
  }

  return (
    <div className="stack">
      {failure && <Alert kind="error">{failure.message}</Alert>}
      <div className="oauth">
        {PROVIDERS.map(({ id, name }) => (
          <Button key={id} icon={<ProviderIcon id={id} />} pending={leaving === id} onClick={() => start(id)}>
            <span className="sr-only">Continue with </span>
            {name}
          </Button>
        ))}
      </div>
    </div>
  );
}
