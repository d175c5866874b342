"use client";

import Link from "next/link";
import { authClient } from "@/lib/auth/client";
import { MailedLinkForm } from "./MailedLinkForm";

/** The answer is the same whether or not the address has an account, and so are our words. */
export function PasswordResetForm() {
  return (
    <MailedLinkForm
      send={(email) => authClient.requestPasswordReset({ email, redirectTo: "/reset-password" })}
      label="Send me a link"
      sent={(address) => (
        <>If {address} has an account, a link to set a new password is on its way. It works once, for an hour.</>
      )}
    >
      <Link href="/login">Back to sign in</Link>
    </MailedLinkForm>
  );
}
