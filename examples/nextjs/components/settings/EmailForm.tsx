"use client";

import { useState } from "react";
import { Alert } from "@/components/ui/Alert";
import { SubmitButton } from "@/components/ui/Button";
import { Card } from "@/components/ui/Card";
import { EmailField } from "@/components/ui/Field";
import { Form } from "@/components/ui/Form";
import { useAuth } from "@/lib/auth/AuthProvider";
import { authClient } from "@/lib/auth/client";
import { failureOf } from "@/lib/forms/failure";
import { line, useForm } from "@/lib/forms/useForm";

/** Nothing changes before the mailed links are followed; an address that is taken is answered alike. */
export function EmailForm() {
  const { user } = useAuth();
  const [asked, setAsked] = useState<string | null>(null);

  const form = useForm(async (values, form) => {
    setAsked(null);
    const newEmail = line(values, "newEmail");
    const result = await authClient.changeEmail({ newEmail, callbackURL: "/email-changed" });
    if (result.error) return failureOf(result);
    form.reset();
    setAsked(newEmail);
  });

  return (
    <Card
      title="E-mail address"
      text={
        <>
          You sign in with <strong>{user?.email}</strong>.
        </>
      }
    >
      <Form {...form}>
        {asked && (
          <Alert kind="success">
            {user?.emailVerified ? (
              <>
                We mailed a link to <strong>{user.email}</strong>. When you have followed it, we mail another one to <strong>{asked}</strong>.
              </>
            ) : (
              <>
                We mailed a link to <strong>{asked}</strong>. Follow it, and the address is changed.
              </>
            )}
          </Alert>
        )}
        <EmailField name="newEmail" label="New e-mail address" autoComplete="email" missing="Enter the new address." />
        <div>
          <SubmitButton>Change address</SubmitButton>
        </div>
      </Form>
    </Card>
  );
}
