import { NavigationLink } from "@/components/NavigationLink";
import { Icon, type IconName } from "@/components/ui/Icon";

const PAGES: { href: string; name: string; icon: IconName }[] = [
  { href: "/settings", name: "Profile", icon: "user" },
  { href: "/settings/security", name: "Security", icon: "shield" },
  { href: "/settings/sessions", name: "Devices", icon: "devices" },
  { href: "/settings/accounts", name: "Linked accounts", icon: "link" },
];

export function SettingsNavigation() {
  return (
    <nav className="settings-nav" aria-label="Settings">
      {PAGES.map(({ href, name, icon }) => (
        <NavigationLink key={href} href={href}>
          <Icon name={icon} />
          {name}
        </NavigationLink>
      ))}
    </nav>
  );
}
