"use client";

import Link from "next/link";
import { usePathname } from "next/navigation";

const PAGES = [
  { href: "/dashboard", name: "To-dos" },
  { href: "/settings", name: "Settings" },
];

export function AppNavigation() {
  const pathname = usePathname();
  return (
    <nav className="app-nav" aria-label="Main">
      {PAGES.map(({ href, name }) => (
        <Link key={href} href={href} aria-current={pathname === href ? "page" : pathname.startsWith(`${href}/`) ? "true" : undefined}>
          {name}
        </Link>
      ))}
    </nav>
  );
}
