"use client";

import { useState } from "react";
import { Alert } from "@/components/ui/Alert";
import { Button, SubmitButton } from "@/components/ui/Button";
import { Card } from "@/components/ui/Card";
import { PasswordField } from "@/components/ui/Field";
import { Form } from "@/components/ui/Form";
import { APP_NAME } from "@/lib/app";
import { useAuth } from "@/lib/auth/AuthProvider";
import { authClient } from "@/lib/auth/client";
import { failureOf } from "@/lib/forms/failure";
import { text, useForm, type Outcome } from "@/lib/forms/useForm";
import { BackupCodes } from "./BackupCodes";
import { SignInAgain } from "./SignInAgain";
import { TwoFactorEnrolment } from "./TwoFactorEnrolment";

/** `isBack`: the button that was used is gone, and the focus must not be. */
type Step =
  | { name: "rest"; isBack?: boolean; news?: string }
  | { name: "password"; for: "enable" | "disable" | "codes" }
  | { name: "enrol"; uri: string; codes: string[] }
  | { name: "codes"; codes: string[] };

const ASKS = {
  enable: { label: "Turn on two-step sign-in", button: "Continue", kind: "primary" },
  disable: { label: "Turn off two-step sign-in", button: "Turn off", kind: "danger" },
  codes: { label: "New backup codes", button: "Make new codes", kind: "primary" },
} as const;

/** Each change asks for the password: who finds an open browser must not lock its owner out. */
export function TwoFactorSettings() {
  const { user, refreshSession } = useAuth();
  const [step, setStep] = useState<Step>({ name: "rest" });
  const isOn = Boolean(user?.twoFactorEnabled);

  async function confirm(password: string): Promise<Outcome> {
    const what = step.name === "password" && step.for;
    if (what === "enable") {
      const result = await authClient.twoFactor.enable({ password, issuer: APP_NAME });
      if (!result.data || !("totpURI" in result.data)) return failureOf(result);
      setStep({ name: "enrol", uri: result.data.totpURI, codes: result.data.backupCodes });
    } else if (what === "codes") {
      const result = await authClient.twoFactor.generateBackupCodes({ password });
      if (result.error) return failureOf(result);
      setStep({ name: "codes", codes: result.data.backupCodes });
    } else {
      const result = await authClient.twoFactor.disable({ password });
      if (result.error) return failureOf(result);
      await refreshSession();
      setStep({ name: "rest", isBack: true, news: "Two-step sign-in is off." });
    }
  }

  async function enrolled(codes: string[]) {
    setStep({ name: "codes", codes });
    await refreshSession();
  }

  return (
    <Card
      title="Two-step sign-in"
      text="After the first step, whichever it is, you enter a code from an app on your phone."
      badge={isOn && <span className="badge">On</span>}
    >
      {step.name === "rest" && (
        <>
          {step.news && <Alert kind="success">{step.news}</Alert>}
          <div className="row">
            {isOn ? (
              <>
                <Button autoFocus={step.isBack} onClick={() => setStep({ name: "password", for: "codes" })}>New backup codes</Button>
                <Button kind="danger" onClick={() => setStep({ name: "password", for: "disable" })}>
                  Turn off
                </Button>
              </>
            ) : (
              <Button kind="primary" autoFocus={step.isBack} onClick={() => setStep({ name: "password", for: "enable" })}>
                Turn on
              </Button>
            )}
          </div>
        </>
      )}
      {step.name === "password" && <AskPassword {...ASKS[step.for]} onConfirm={confirm} onCancel={() => setStep({ name: "rest", isBack: true })} />}
      {step.name === "enrol" && (
        <TwoFactorEnrolment uri={step.uri} onDone={() => enrolled(step.codes)} onCancel={() => setStep({ name: "rest", isBack: true })} />
      )}
      {step.name === "codes" && (
        <BackupCodes codes={step.codes} onDone={() => setStep({ name: "rest", isBack: true, news: "Two-step sign-in is on." })} />
      )}
    </Card>
  );
}

type Ask = {
  label: string;
  button: string;
  kind: "primary" | "danger";
  onConfirm: (password: string) => Promise<Outcome>;
  onCancel: () => void;
};

function AskPassword({ label, button, kind, onConfirm, onCancel }: Ask) {
  const form = useForm((values) => onConfirm(text(values, "password")));
  return (
    <Form {...form} label={label} help={(failure) => <SignInAgain failure={failure} />}>
      <PasswordField kind="current" autoFocus hint="Without a password, set one under “Linked accounts” first." />
      <div className="row">
        <SubmitButton kind={kind}>{button}</SubmitButton>
        <Button onClick={onCancel}>Cancel</Button>
      </div>
    </Form>
  );
}
