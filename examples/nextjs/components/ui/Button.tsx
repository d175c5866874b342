"use client";

import type { ButtonHTMLAttributes, ReactNode } from "react";
import { useFormState } from "./Form";

type Kind = "primary" | "secondary" | "danger" | "quiet";
type Props = ButtonHTMLAttributes<HTMLButtonElement> & { kind?: Kind; pending?: boolean; icon?: ReactNode };

/**
 * While it is pending it keeps its size and the focus, which a disabled button would lose; what it
 * does is not done again.
 */
export function Button({ kind = "secondary", pending = false, icon, type = "button", className = "", onClick, children, ...button }: Props) {
  return (
    <button
      {...button}
      type={type}
      className={`button button-${kind} ${className}`}
      aria-disabled={pending || undefined}
      aria-busy={pending || undefined}
      onClick={pending ? (event) => event.preventDefault() : onClick}
    >
      <span className="button-label">
        {icon}
        {children}
      </span>
      {pending && <span className="spinner" aria-hidden />}
    </button>
  );
}

export function SubmitButton({ kind = "primary", ...props }: Props) {
  return <Button {...props} kind={kind} type="submit" pending={useFormState().pending} />;
}
