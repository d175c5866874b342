"use client";

import { useState } from "react";
import { Alert } from "@/components/ui/Alert";
import { SubmitButton } from "@/components/ui/Button";
import { Card } from "@/components/ui/Card";
import { Field } from "@/components/ui/Field";
import { Form } from "@/components/ui/Form";
import { useAuth } from "@/lib/auth/AuthProvider";
import { authClient } from "@/lib/auth/client";
import { failureOf } from "@/lib/forms/failure";
import { line, useForm } from "@/lib/forms/useForm";

export function ProfileForm() {
  const { user, refreshSession } = useAuth();
  const [saved, setSaved] = useState(false);

  const form = useForm(async (values) => {
    setSaved(false);
    const result = await authClient.updateUser({ name: line(values, "name") });
    if (result.error) return failureOf(result);
    await refreshSession();
    setSaved(true);
  });

  return (
    <Card title="Your name" text="As we greet you, and as mails to you begin.">
      <Form {...form}>
        {saved && <Alert kind="success">Your name is saved.</Alert>}
        <Field name="name" label="Name" autoComplete="name" maxLength={128} defaultValue={user?.name} missing="Enter your name." />
        <div>
          <SubmitButton>Save name</SubmitButton>
        </div>
      </Form>
    </Card>
  );
}
