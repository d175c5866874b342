"use client";

import { useId, useState, type InputHTMLAttributes, type ReactNode } from "react";
import { useFormState } from "./Form";
import { Icon } from "./Icon";

type Props = Omit<InputHTMLAttributes<HTMLInputElement>, "id" | "name"> & {
  name: string;
  label: string;
  /** Said by name when the field is left empty. */
  missing?: string;
  hint?: ReactNode;
  /** Beside the label, such as a link. */
  aside?: ReactNode;
  /** Inside the input's box, at its end. */
  end?: ReactNode;
};

/** A labelled input with its hint and error, which the input names as its description. */
export function Field({ name, label, missing, hint, aside, end, required = true, ...input }: Props) {
  const id = useId();
  const error = useFormState().errors[name];
  const described = [error && `${id}-error`, hint && `${id}-hint`].filter(Boolean).join(" ");
  return (
    <div className="field">
      <div className="field-head">
        <label htmlFor={id}>{label}</label>
        {aside}
      </div>
      <div className={`input-box ${error ? "input-box-wrong" : ""}`}>
        <input
          {...input}
          id={id}
          name={name}
          required={required}
          data-missing={missing}
          aria-invalid={error ? true : undefined}
          aria-describedby={described || undefined}
        />
        {end}
      </div>
      {error && (
        <p className="field-error" id={`${id}-error`}>
          {error}
        </p>
      )}
      {hint && (
        <p className="field-hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}

export function EmailField({ name = "email", label = "E-mail address", ...props }: Partial<Props>) {
  return (
    <Field
      name={name}
      label={label}
      type="email"
      inputMode="email"
      autoComplete="username"
      autoCapitalize="none"
      spellCheck={false}
      missing="Enter your e-mail address."
      {...props}
    />
  );
}

/** `kind` tells password managers whether to fill in or to suggest. */
export function PasswordField({ kind, name = "password", label = "Password", ...props }: Partial<Props> & { kind: "current" | "new" }) {
  const [shown, setShown] = useState(false);
  return (
    <Field
      name={name}
      label={label}
      type={shown ? "text" : "password"}
      autoComplete={`${kind}-password`}
      autoCapitalize="none"
      spellCheck={false}
      missing={kind === "new" ? "Choose a password." : "Enter your password."}
      minLength={kind === "new" ? 8 : undefined}
      hint={kind === "new" ? "At least 8 characters. A few unrelated words are easy to remember and hard to guess." : undefined}
      end={
        <button className="input-button" type="button" aria-pressed={shown} aria-label={`Show ${label.toLowerCase()}`} onClick={() => setShown(!shown)}>
          <Icon name={shown ? "eye-off" : "eye"} />
        </button>
      }
      {...props}
    />
  );
}

export function CodeField({ digits, ...props }: Partial<Props> & { digits: boolean }) {
  return (
    <Field
      name="code"
      label="Code"
      className="code"
      inputMode={digits ? "numeric" : "text"}
      autoComplete={digits ? "one-time-code" : "off"}
      autoCapitalize="none"
      spellCheck={false}
      maxLength={32}
      missing="Enter the code."
      {...props}
    />
  );
}

export function Checkbox({ name, label, hint, defaultChecked }: { name: string; label: string; hint?: string; defaultChecked?: boolean }) {
  const id = useId();
  return (
    <div className="checkbox">
      <input id={id} name={name} type="checkbox" defaultChecked={defaultChecked} aria-describedby={hint ? `${id}-hint` : undefined} />
      <label htmlFor={id}>{label}</label>
      {hint && (
        <p className="field-hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}
