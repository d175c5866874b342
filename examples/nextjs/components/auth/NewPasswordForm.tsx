"use client";

import Link from "next/link";
import { useState } from "react";
import { SubmitButton } from "@/components/ui/Button";
import { PasswordField } from "@/components/ui/Field";
import { Form } from "@/components/ui/Form";
import { authClient } from "@/lib/auth/client";
import { failureOf } from "@/lib/forms/failure";
import { text, useForm } from "@/lib/forms/useForm";
import { Outcome } from "./Outcome";

/** Where the mailed link leads, with the token in the address. The token works once. */
export function NewPasswordForm({ token }: { token: string }) {
  const [done, setDone] = useState(false);

  const form = useForm(async (values) => {
    const result = await authClient.resetPassword({ token, newPassword: text(values, "newPassword") });
    if (result.error) return failureOf(result);
    // A used token has no place in the history.
    window.history.replaceState(null, "", window.location.pathname);
    setDone(true);
  });

  if (done) {
    return (
      <Outcome icon="check" title="Your password is set">
        <p>For your safety, you were signed out on every device.</p>
        <Link className="button button-primary" href="/login">
          Sign in
        </Link>
      </Outcome>
    );
  }
  return (
    <Form {...form} help={({ code }) => code === "INVALID_TOKEN" && <Link href="/forgot-password">Send me a new link</Link>}>
      <PasswordField kind="new" name="newPassword" label="New password" />
      <SubmitButton>Set password</SubmitButton>
    </Form>
  );
}
