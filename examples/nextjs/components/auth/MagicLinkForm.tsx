"use client";

import Link from "next/link";
import { useState } from "react";
import { SubmitButton } from "@/components/ui/Button";
import { EmailField } from "@/components/ui/Field";
import { Form } from "@/components/ui/Form";
import { callbackPath, withCallback } from "@/lib/auth/callback";
import { signIn } from "@/lib/auth/client";
import { enteredEmail, rememberEmail } from "@/lib/auth/enteredEmail";
import { failureOf } from "@/lib/forms/failure";
import { line, useForm } from "@/lib/forms/useForm";
import { MailSent } from "./MailSent";

export function MagicLinkForm({ callbackUrl }: { callbackUrl?: string }) {
  const [sentTo, setSentTo] = useState<string | null>(null);
  const [isAgain, setAgain] = useState(false);

  const form = useForm(async (values) => {
    const email = line(values, "email");
    const result = await signIn.magicLink({
      email,
      callbackURL: callbackPath(callbackUrl),
      errorCallbackURL: "/magic-link",
    });
    if (result.error) return failureOf(result);
    rememberEmail(email);
    setSentTo(email);
    setAgain(true);
  });

  if (sentTo) {
    return (
      <MailSent again={() => setSentTo(null)}>
        We mailed a link to <strong>{sentTo}</strong>. It signs you in once, within five minutes, in the browser that opens it.
      </MailSent>
    );
  }
  return (
    <Form {...form}>
      <EmailField defaultValue={enteredEmail()} autoFocus={isAgain} />
      <SubmitButton>Mail me a link</SubmitButton>
      <p className="centered">
        <Link href={withCallback("/login", callbackUrl)}>Use a password instead</Link>
      </p>
    </Form>
  );
}
