"use client";

import { useEffect, useRef } from "react";
import { Button, SubmitButton } from "@/components/ui/Button";
import { CodeField } from "@/components/ui/Field";
import { Form } from "@/components/ui/Form";
import { authClient } from "@/lib/auth/client";
import { failureOf } from "@/lib/forms/failure";
import { line, useForm } from "@/lib/forms/useForm";
import { CopyButton } from "./CopyButton";
import { QRCode } from "./QRCode";

/** The secret as a picture and as text. The second factor is on when the app's first code is right. */
export function TwoFactorEnrolment({ uri, onDone, onCancel }: { uri: string; onDone: () => Promise<void>; onCancel: () => void }) {
  const secret = new URL(uri).searchParams.get("secret") ?? "";
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);

  const form = useForm(async (values) => {
    const result = await authClient.twoFactor.verifyTotp({ code: line(values, "code").replace(/\s/g, "") });
    if (result.error) return failureOf(result);
    await onDone();
  });

  return (
    <div className="stack">
      <h3 tabIndex={-1} ref={heading}>
        Add the account to your app
      </h3>
      <div className="enrolment">
        <QRCode text={uri} label="QR code for your authenticator app" />
        <div className="stack">
          <p>Scan the picture with an authenticator app, or type this key into it:</p>
          <p>
            <code className="secret">{secret.match(/.{1,4}/g)?.join(" ")}</code>
          </p>
          <div className="row">
            <CopyButton text={secret}>Copy the key</CopyButton>
            <a className="button button-secondary" href={uri}>
              Open in an app
            </a>
          </div>
        </div>
      </div>
      <Form {...form} label="Confirm the app">
        <CodeField digits label="Code that the app shows" hint="Six digits that change every 30 seconds." />
        <div className="row">
          <SubmitButton>Confirm</SubmitButton>
          <Button onClick={onCancel}>Cancel</Button>
        </div>
      </Form>
    </div>
  );
}
