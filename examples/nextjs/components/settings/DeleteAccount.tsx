"use client";

import { useState } from "react";
import { Alert } from "@/components/ui/Alert";
import { Button, SubmitButton } from "@/components/ui/Button";
import { Card } from "@/components/ui/Card";
import { PasswordField } from "@/components/ui/Field";
import { Form } from "@/components/ui/Form";
import { useAuth } from "@/lib/auth/AuthProvider";
import { authClient } from "@/lib/auth/client";
import { failureOf } from "@/lib/forms/failure";
import { text, useForm } from "@/lib/forms/useForm";
import { SignInAgain } from "./SignInAgain";

/** At once by the password, or, where the deployment wants it, by a mailed link that leads to the service. */
export function DeleteAccount() {
  const { user, leave } = useAuth();
  const [step, setStep] = useState<"idle" | "asking" | "cancelled" | "mailed">("idle");

  const form = useForm(async (values) => {
    const password = text(values, "password");
    const result = await authClient.deleteUser({ ...(password && { password }), callbackURL: "/goodbye" });
    if (result.error) return failureOf(result);
    if (result.data.message === "User deleted") {
      leave("/goodbye");
      return "leaving";
    }
    setStep("mailed");
  });

  return (
    <Card title="Delete the account" text="It is gone for good, with everything that it holds.">
      {(step === "idle" || step === "cancelled") && (
        <div>
          <Button kind="danger" autoFocus={step === "cancelled"} onClick={() => setStep("asking")}>
            Delete my account
          </Button>
        </div>
      )}
      {step === "asking" && (
        <Form {...form} label="Delete the account" help={(failure) => <SignInAgain failure={failure} />}>
          <PasswordField
            kind="current"
            required={false}
            autoFocus
            hint="If you have none, leave this empty: a sign-in of the last 24 hours is enough."
          />
          <div className="row">
            <SubmitButton kind="danger">Delete for good</SubmitButton>
            <Button onClick={() => setStep("cancelled")}>Cancel</Button>
          </div>
        </Form>
      )}
      {step === "mailed" && (
        <Alert kind="info">
          We mailed a link to <strong>{user?.email}</strong>. Follow it in this browser within a day, and the account is deleted. Until
          then nothing changes.
        </Alert>
      )}
    </Card>
  );
}
