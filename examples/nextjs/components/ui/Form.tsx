"use client";

import { createContext, use, type FormEventHandler, type ReactNode } from "react";
import type { Failure } from "@/lib/forms/failure";
import { Alert } from "./Alert";

type State = { pending: boolean; errors: Record<string, string> };

const FormContext = createContext<State>({ pending: false, errors: {} });
export const useFormState = () => use(FormContext);

type Props = State & {
  onSubmit: FormEventHandler<HTMLFormElement>;
  failure: Failure | null;
  /** What to offer beside a failure. */
  help?: (failure: Failure) => ReactNode;
  label?: string;
  className?: string;
  children: ReactNode;
};

/**
 * A form that `useForm` drives. It validates by itself, so that errors stand at their fields in our
 * words. `method` matters before the scripts run: a password must never get into the address.
 */
export function Form({ onSubmit, pending, errors, failure, help, label, className = "form", children }: Props) {
  return (
    <FormContext value={{ pending, errors }}>
      <form className={className} method="post" aria-label={label} onSubmit={onSubmit} noValidate>
        {failure && (
          <Alert kind="error">
            {failure.message} {help?.(failure)}
          </Alert>
        )}
        {children}
      </form>
    </FormContext>
  );
}
