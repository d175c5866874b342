"use client";

import { Button } from "@/components/ui/Button";

export default function ErrorPage({ reset }: { error: Error; reset: () => void }) {
  return (
    <main id="main" className="plain" tabIndex={-1}>
      <h1>Something went wrong</h1>
      <p className="muted">It is not your fault. Try again; if it stays, come back a little later.</p>
      <Button kind="primary" onClick={reset}>
        Try again
      </Button>
    </main>
  );
}
