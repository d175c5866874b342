"use client";

import { useState } from "react";
import { Alert } from "@/components/ui/Alert";
import { SubmitButton } from "@/components/ui/Button";
import { Card } from "@/components/ui/Card";
import { PasswordField } from "@/components/ui/Field";
import { Form } from "@/components/ui/Form";
import { useAuth } from "@/lib/auth/AuthProvider";
import { authClient } from "@/lib/auth/client";
import { failureOf } from "@/lib/forms/failure";
import { text, useForm } from "@/lib/forms/useForm";
import { SetPasswordButton } from "./SetPasswordButton";

export function PasswordForm() {
  const { user, refreshSession } = useAuth();
  const [saved, setSaved] = useState(false);

  const form = useForm(async (values, form) => {
    setSaved(false);
    const result = await authClient.changePassword({
      currentPassword: text(values, "currentPassword"),
      newPassword: text(values, "newPassword"),
      revokeOtherSessions: true,
    });
    if (result.error) return failureOf(result);
    form.reset();
    await refreshSession();
    setSaved(true);
  });

  return (
    <Card title="Password" text="A new password signs you out on all other devices.">
      <Form {...form} help={({ code }) => code === "CREDENTIAL_ACCOUNT_NOT_FOUND" && <SetPasswordButton />}>
        {saved && <Alert kind="success">Your password is changed. You are signed out on all other devices.</Alert>}
        {/* Tells password managers whose password this is. */}
        <input className="sr-only" type="text" autoComplete="username" value={user?.email ?? ""} readOnly tabIndex={-1} aria-hidden />
        <PasswordField kind="current" name="currentPassword" label="Current password" />
        <PasswordField kind="new" name="newPassword" label="New password" />
        <div>
          <SubmitButton>Change password</SubmitButton>
        </div>
      </Form>
    </Card>
  );
}
