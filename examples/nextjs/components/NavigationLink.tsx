"use client";

import Link, { useLinkStatus } from "next/link";
import { usePathname } from "next/navigation";
import type { ReactNode } from "react";

/** Dimmed while its page is on the way. `section`: counts as current on the pages below it too. */
export function NavigationLink({ href, section = false, children }: { href: string; section?: boolean; children: ReactNode }) {
  const pathname = usePathname();
  const below = section && pathname.startsWith(`${href}/`);
  return (
    <Link href={href} aria-current={pathname === href ? "page" : below ? "true" : undefined}>
      <Label>{children}</Label>
    </Link>
  );
}

function Label({ children }: { children: ReactNode }) {
  const { pending } = useLinkStatus();
  return (
    <span className="navigation-label" data-pending={pending || undefined}>
      {children}
    </span>
  );
}
