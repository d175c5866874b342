import type { Metadata } from "next";
import Link from "next/link";

export const metadata: Metadata = { title: "Not found" };

export default function NotFound() {
  return (
    <main id="main" className="plain" tabIndex={-1}>
      <h1>This page does not exist</h1>
      <p className="muted">The address may be misspelt, or the page may have moved.</p>
      <Link className="button button-primary" href="/">
        To the start page
      </Link>
    </main>
  );
}
