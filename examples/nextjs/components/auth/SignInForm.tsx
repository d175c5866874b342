"use client";

import Link from "next/link";
import { useRouter } from "next/navigation";
import { SubmitButton } from "@/components/ui/Button";
import { Checkbox, EmailField, PasswordField } from "@/components/ui/Field";
import { Form } from "@/components/ui/Form";
import { useAuth } from "@/lib/auth/AuthProvider";
import { callbackPath, withCallback } from "@/lib/auth/callback";
import { signIn } from "@/lib/auth/client";
import { enteredEmail, rememberEmail } from "@/lib/auth/enteredEmail";
import { failureOf } from "@/lib/forms/failure";
import { line, text, useForm } from "@/lib/forms/useForm";

export function SignInForm({ callbackUrl }: { callbackUrl?: string }) {
  const router = useRouter();
  const { refreshSession } = useAuth();

  const form = useForm(async (values) => {
    rememberEmail(line(values, "email"));
    const result = await signIn.email({
      email: line(values, "email"),
      password: text(values, "password"),
      rememberMe: values.has("rememberMe"),
    });
    if (result.error) return failureOf(result);
    if ("twoFactorRedirect" in result.data) {
      router.push(withCallback("/two-factor", callbackUrl));
    } else {
      await refreshSession();
      router.push(callbackPath(callbackUrl));
    }
    return "leaving";
  });

  return (
    <Form {...form} help={({ code }) => code === "EMAIL_NOT_VERIFIED" && <Link href="/verify-email">Send the link again</Link>}>
      <EmailField defaultValue={enteredEmail()} />
      <PasswordField kind="current" aside={<Link href="/forgot-password">Forgotten?</Link>} />
      <Checkbox name="rememberMe" label="Stay signed in on this device" defaultChecked />
      <SubmitButton>Sign in</SubmitButton>
    </Form>
  );
}
