"use client";

import Link from "next/link";
import { useRouter } from "next/navigation";
import { SubmitButton } from "@/components/ui/Button";
import { EmailField, Field, PasswordField } from "@/components/ui/Field";
import { Form } from "@/components/ui/Form";
import { useAuth } from "@/lib/auth/AuthProvider";
import { callbackPath, withCallback } from "@/lib/auth/callback";
import { signUp } from "@/lib/auth/client";
import { rememberEmail } from "@/lib/auth/enteredEmail";
import { failureOf } from "@/lib/forms/failure";
import { line, text, useForm } from "@/lib/forms/useForm";

export function SignUpForm({ callbackUrl }: { callbackUrl?: string }) {
  const router = useRouter();
  const { refreshSession } = useAuth();

  const form = useForm(async (values) => {
    const email = line(values, "email");
    const result = await signUp.email({
      name: line(values, "name"),
      email,
      password: text(values, "password"),
      callbackURL: "/email-verified",
    });
    if (result.error) return failureOf(result);
    if (result.data.token) {
      await refreshSession();
      router.push(callbackPath(callbackUrl));
    } else {
      // The address has to be verified first.
      rememberEmail(email);
      router.push("/verify-email");
    }
    return "leaving";
  });

  return (
    <Form
      {...form}
      help={({ code }) => code === "SIGN_IN_REFUSED" && <Link href="/login">Use another account</Link>}
    >
      <Field name="name" label="Name" autoComplete="name" maxLength={128} missing="Enter your name." />
      <EmailField
        hint={form.errors.email && <Link href={withCallback("/login", callbackUrl)}>Sign in instead</Link>}
      />
      <PasswordField kind="new" />
      <SubmitButton>Create account</SubmitButton>
    </Form>
  );
}
