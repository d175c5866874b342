"use client";

import { useState } from "react";
import { Alert } from "@/components/ui/Alert";
import { SubmitButton } from "@/components/ui/Button";
import { EmailField } from "@/components/ui/Field";
import { Form } from "@/components/ui/Form";
import { authClient } from "@/lib/auth/client";
import { enteredEmail } from "@/lib/auth/enteredEmail";
import { failureOf } from "@/lib/forms/failure";
import { line, useForm } from "@/lib/forms/useForm";

/** Sends the verification link again. Says the same whether or not the address has an account. */
export function VerifyEmailForm() {
  const [sentTo, setSentTo] = useState<string | null>(null);

  const form = useForm(async (values) => {
    const email = line(values, "email");
    setSentTo(null);
    const result = await authClient.sendVerificationEmail({ email, callbackURL: "/email-verified" });
    if (result.error) return failureOf(result);
    setSentTo(email);
  });

  return (
    <Form {...form}>
      {sentTo && (
        <Alert kind="success">
          If <strong>{sentTo}</strong> waits to be verified, a new link is on its way.
        </Alert>
      )}
      <EmailField defaultValue={enteredEmail()} />
      <SubmitButton kind="secondary">Send the link again</SubmitButton>
    </Form>
  );
}
