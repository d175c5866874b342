"use client";

import Link from "next/link";
import { usePathname } from "next/navigation";
import { Icon, type IconName } from "@/components/ui/Icon";

const PAGES: { href: string; name: string; icon: IconName }[] = [
  { href: "/settings", name: "Profile", icon: "user" },
  { href: "/settings/security", name: "Security", icon: "shield" },
  { href: "/settings/sessions", name: "Devices", icon: "devices" },
  { href: "/settings/accounts", name: "Linked accounts", icon: "link" },
];

export function SettingsNavigation() {
  const pathname = usePathname();
  return (
    <nav className="settings-nav" aria-label="Settings">
      {PAGES.map(({ href, name, icon }) => (
        <Link key={href} href={href} aria-current={pathname === href ? "page" : undefined}>
          <Icon name={icon} />
          {name}
        </Link>
      ))}
    </nav>
  );
}
