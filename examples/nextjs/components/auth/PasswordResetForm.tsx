"use client";

import Link from "next/link";
import { useState } from "react";
import { SubmitButton } from "@/components/ui/Button";
import { EmailField } from "@/components/ui/Field";
import { Form } from "@/components/ui/Form";
import { authClient } from "@/lib/auth/client";
import { enteredEmail, rememberEmail } from "@/lib/auth/enteredEmail";
import { failureOf } from "@/lib/forms/failure";
import { line, useForm } from "@/lib/forms/useForm";
import { MailSent } from "./MailSent";

/** The answer is the same whether or not the address has an account, and so are our words. */
export function PasswordResetForm() {
  const [sentTo, setSentTo] = useState<string | null>(null);
  const [isAgain, setAgain] = useState(false);

  const form = useForm(async (values) => {
    const email = line(values, "email");
    const result = await authClient.requestPasswordReset({ email, redirectTo: "/reset-password" });
    if (result.error) return failureOf(result);
    rememberEmail(email);
    setSentTo(email);
    setAgain(true);
  });

  if (sentTo) {
    return (
      <MailSent again={() => setSentTo(null)}>
        If <strong>{sentTo}</strong> has an account, a link to set a new password is on its way. It works once, for an hour.
      </MailSent>
    );
  }
  return (
    <Form {...form}>
      <EmailField defaultValue={enteredEmail()} autoFocus={isAgain} />
      <SubmitButton>Send me a link</SubmitButton>
      <p className="centered">
        <Link href="/login">Back to sign in</Link>
      </p>
    </Form>
  );
}
