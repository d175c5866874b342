"use client";

import Link from "next/link";
import { callbackPath, withCallback } from "@/lib/auth/callback";
import { signIn } from "@/lib/auth/client";
import { MailedLinkForm } from "./MailedLinkForm";

export function MagicLinkForm({ callbackUrl }: { callbackUrl?: string }) {
  return (
    <MailedLinkForm
      send={(email) =>
        signIn.magicLink({ email, callbackURL: callbackPath(callbackUrl), errorCallbackURL: "/magic-link" })
      }
      label="Mail me a link"
      sent={(address) => (
        <>We mailed a link to {address}. It signs you in once, within five minutes, in the browser that opens it.</>
      )}
    >
      <Link href={withCallback("/login", callbackUrl)}>Use a password instead</Link>
    </MailedLinkForm>
  );
}
