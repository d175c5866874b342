"use client";

import { useState, type ReactNode } from "react";
import { SubmitButton } from "@/components/ui/Button";
import { EmailField } from "@/components/ui/Field";
import { Form } from "@/components/ui/Form";
import { enteredEmail, rememberEmail } from "@/lib/auth/enteredEmail";
import { failureOf } from "@/lib/forms/failure";
import { line, useForm } from "@/lib/forms/useForm";
import { MailSent } from "./MailSent";

type Props = {
  /** Asks the service to mail the link. */
  send: (email: string) => Promise<{ error: unknown }>;
  /** What the button says. */
  label: string;
  /** What is said once the mail is on its way. */
  sent: (address: ReactNode) => ReactNode;
  /** Another way to go. */
  children: ReactNode;
};

/** Asks for an address, and has a link mailed to it. */
export function MailedLinkForm({ send, label, sent, children }: Props) {
  const [sentTo, setSentTo] = useState<string | null>(null);
  const [isAgain, setAgain] = useState(false);

  const form = useForm(async (values) => {
    const email = line(values, "email");
    const result = await send(email);
    if (result.error) return failureOf(result);
    rememberEmail(email);
    setSentTo(email);
    setAgain(true);
  });

  if (sentTo) {
    return <MailSent again={() => setSentTo(null)}>{sent(<strong>{sentTo}</strong>)}</MailSent>;
  }
  return (
    <Form {...form}>
      <EmailField defaultValue={enteredEmail()} autoFocus={isAgain} />
      <SubmitButton>{label}</SubmitButton>
      <p className="centered">{children}</p>
    </Form>
  );
}
