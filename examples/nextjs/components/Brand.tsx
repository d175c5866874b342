import { APP_NAME } from "@/lib/app";

export function Brand() {
  return (
    <>
      <svg className="brand-mark" viewBox="0 0 32 32" aria-hidden focusable="false">
        <rect width="32" height="32" rx="9" />
        <path d="m9.5 16.5 4.5 4.5 8.5-10" />
      </svg>
      {APP_NAME}
    </>
  );
}
