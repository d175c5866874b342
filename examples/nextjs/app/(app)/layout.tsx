import Link from "next/link";
import type { ReactNode } from "react";
import { ProtectedRoute } from "@/components/auth/ProtectedRoute";
import { AppNavigation } from "@/components/AppNavigation";
import { Brand } from "@/components/Brand";
import { ServerThemeSwitch } from "@/components/ServerThemeSwitch";
import { SignOutButton } from "@/components/auth/SignOutButton";

export default function AppLayout({ children }: { children: ReactNode }) {
  return (
    <div className="app">
      <header className="app-head">
        <div className="app-head-inner">
          <Link className="brand" href="/dashboard">
            <Brand />
          </Link>
          <AppNavigation />
          <div className="app-head-end">
            <ServerThemeSwitch />
            <SignOutButton />
          </div>
        </div>
      </header>
      <main id="main" className="app-main" tabIndex={-1}>
        <ProtectedRoute>{children}</ProtectedRoute>
      </main>
    </div>
  );
}
