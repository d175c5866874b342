import { useState, type FormEvent } from "react";
import { unreachable, type Failure } from "./failure";

/** A failure, nothing when it is done, or "leaving" while the next page is on its way. */
export type Outcome = Failure | "leaving" | null | void;

/**
 * A form's submission: what was entered wrongly is said at its field, and the first such field gets
 * the focus; anything else is said for the whole form. A form that is on its way is not sent again.
 */
export function useForm(submit: (values: FormData, form: HTMLFormElement) => Promise<Outcome>) {
  const [pending, setPending] = useState(false);
  const [errors, setErrors] = useState<Record<string, string>>({});
  const [failure, setFailure] = useState<Failure | null>(null);

  async function onSubmit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    if (pending) return;
    const form = event.currentTarget;
    const wrong = wrongFields(form);
    setFailure(null);
    setErrors(wrong);
    const [first] = Object.keys(wrong);
    if (first) return focus(form, first);

    setPending(true);
    const outcome = await submit(new FormData(form), form).catch(unreachable);
    if (outcome === "leaving") return;
    setPending(false);
    if (!outcome) return;
    const field = outcome.fields?.find((name) => form.elements.namedItem(name));
    if (!field) return setFailure(outcome);
    setErrors({ [field]: outcome.message });
    focus(form, field);
  }

  /** What to spread on a `Form`. */
  return { onSubmit, pending, errors, failure };
}

export const text = (values: FormData, name: string) => String(values.get(name) ?? "");

/** A line that people type: without the spaces around it. */
export const line = (values: FormData, name: string) => text(values, name).trim();

function wrongFields(form: HTMLFormElement): Record<string, string> {
  const inputs = Array.from(form.elements).filter((element) => element instanceof HTMLInputElement);
  return Object.fromEntries(inputs.map((input) => [input.name, whatIsWrong(input)] as const).filter(([, wrong]) => wrong));
}

function whatIsWrong(input: HTMLInputElement): string {
  const { validity, value, minLength, dataset } = input;
  if (validity.valueMissing || (input.required && !value.trim())) return dataset.missing ?? "Fill in this field.";
  if (validity.typeMismatch) return "Enter an e-mail address, such as ann@example.com.";
  // Counted here and not by the browser, which counts UTF-16 units and only what was typed.
  if (minLength > 0 && Array.from(value).length < minLength) return `Use at least ${minLength} characters.`;
  return "";
}

function focus(form: HTMLFormElement, name: string) {
  const field = form.elements.namedItem(name);
  if (field instanceof HTMLElement) field.focus();
}
