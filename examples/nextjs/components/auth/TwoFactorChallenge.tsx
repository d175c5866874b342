"use client";

import Link from "next/link";
import { useRouter } from "next/navigation";
import { useEffect, useRef, useState } from "react";
import { Alert } from "@/components/ui/Alert";
import { Button, SubmitButton } from "@/components/ui/Button";
import { Checkbox, CodeField } from "@/components/ui/Field";
import { Form } from "@/components/ui/Form";
import { useAuth } from "@/lib/auth/AuthProvider";
import { callbackPath, withCallback } from "@/lib/auth/callback";
import { authClient } from "@/lib/auth/client";
import { failureOf, unreachable, type Failure } from "@/lib/forms/failure";
import { line, useForm } from "@/lib/forms/useForm";

const WAYS = {
  totp: { name: "Use the authenticator app", label: "Code from your authenticator app", hint: "Six digits that change every 30 seconds." },
  otp: { name: "Mail me a code", label: "Code from the mail", hint: "It works once, for three minutes." },
  backup: { name: "Use a backup code", label: "Backup code", hint: "One of those that you saved. Each works once." },
} as const;

type Way = keyof typeof WAYS;

/** The codes that start the sign-in anew would help nobody: there is nothing left that a code could end. */
const STARTS_ANEW = ["INVALID_TWO_FACTOR_COOKIE", "TOO_MANY_ATTEMPTS_REQUEST_NEW_CODE", "UNAUTHORIZED"];

export function TwoFactorChallenge({ callbackUrl }: { callbackUrl?: string }) {
  const router = useRouter();
  const { refreshSession } = useAuth();
  const [way, setWay] = useState<Way>("totp");
  const [mail, setMail] = useState<"none" | "sending" | "sent">("none");
  const [mailFailure, setMailFailure] = useState<Failure | null>(null);

  const form = useForm(async (values) => {
    const answer = { code: line(values, "code").replace(/\s/g, ""), trustDevice: values.has("trustDevice") };
    const failure = failureOf(await verify(way, answer));
    if (failure) {
      // Said for the form, where the way out stands beside it.
      return failure.code && STARTS_ANEW.includes(failure.code) ? { ...failure, fields: [] } : failure;
    }
    await refreshSession();
    router.push(callbackPath(callbackUrl));
    return "leaving";
  });

  async function sendCode() {
    setMail("sending");
    setMailFailure(null);
    const failure = await authClient.twoFactor.sendOtp().then(failureOf, unreachable);
    setMailFailure(failure);
    setMail(failure ? "none" : "sent");
  }

  function choose(next: Way) {
    setWay(next);
    if (next === "otp") void sendCode();
  }

  const startAgain = ({ code }: Failure) =>
    code && STARTS_ANEW.includes(code) && <Link href={withCallback("/login", callbackUrl)}>Start again</Link>;

  return (
    <div className="stack">
      {mailFailure && (
        <Alert kind="error">
          {mailFailure.message} {startAgain(mailFailure)}
        </Alert>
      )}
      {way === "otp" && mail === "sent" && <Alert kind="success">A code is on its way to your address.</Alert>}
      <Form {...form} key={way} help={startAgain}>
        <FocusedCode way={way} />
        <Checkbox name="trustDevice" label="Trust this device" hint="It is not asked for a code for 30 days. Not for shared computers." />
        <SubmitButton>Verify</SubmitButton>
      </Form>
      <div className="alternatives" role="group" aria-label="Other ways">
        {(Object.keys(WAYS) as Way[])
          .filter((other) => other !== way)
          .map((other) => (
            <Button key={other} kind="quiet" onClick={() => choose(other)}>
              {WAYS[other].name}
            </Button>
          ))}
        {way === "otp" && (
          <Button kind="quiet" pending={mail === "sending"} onClick={sendCode}>
            Send another code
          </Button>
        )}
      </div>
    </div>
  );
}

function verify(way: Way, answer: { code: string; trustDevice: boolean }) {
  const { verifyTotp, verifyOtp, verifyBackupCode } = authClient.twoFactor;
  if (way === "totp") return verifyTotp(answer);
  return way === "otp" ? verifyOtp(answer) : verifyBackupCode(answer);
}

/** The page has one thing to do, so that its field has the focus; the label tells where it is. */
function FocusedCode({ way }: { way: Way }) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => box.current?.querySelector("input")?.focus(), []);
  return (
    <div ref={box}>
      <CodeField digits={way !== "backup"} label={WAYS[way].label} hint={WAYS[way].hint} />
    </div>
  );
}
