import type { ReactNode } from "react";
import { SettingsNavigation } from "@/components/settings/SettingsNavigation";

export default function SettingsLayout({ children }: { children: ReactNode }) {
  return (
    <div className="settings">
      <SettingsNavigation />
      <div className="settings-main">{children}</div>
    </div>
  );
}
