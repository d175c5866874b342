"use client";

import "./styles/index.css";

/** For faults of the layout itself. */
export default function GlobalError({ reset }: { error: Error; reset: () => void }) {
  return (
    <html lang="en">
      <head>
        <title>Something went wrong</title>
      </head>
      <body>
        <main className="plain">
          <h1>Something went wrong</h1>
          <p className="muted">It is not your fault. Try again; if it stays, come back a little later.</p>
          <button className="button button-primary" type="button" onClick={reset}>
            Try again
          </button>
        </main>
      </body>
    </html>
  );
}
