import type { Metadata, Viewport } from "next";
import { cookies } from "next/headers";
import type { ReactNode } from "react";
import { APP_NAME } from "@/lib/app";
import { AuthProvider } from "@/lib/auth/AuthProvider";
import { apiUrl } from "@/lib/server/config";
import { THEME_COOKIE, toTheme } from "@/lib/theme";
import "./styles/index.css";

export const metadata: Metadata = {
  title: { default: `${APP_NAME}: to-dos, kept simple`, template: `%s · ${APP_NAME}` },
  description: "A to-do list with accounts: the example of a front end for lambda-auth.",
};

export const viewport: Viewport = {
  themeColor: [
    { media: "(prefers-color-scheme: light)", color: "#f7f6f2" },
    { media: "(prefers-color-scheme: dark)", color: "#101413" },
  ],
};

/** Reading cookies makes every page dynamic, which the nonce of the policy needs anyway. */
export default async function RootLayout({ children }: { children: ReactNode }) {
  const theme = toTheme((await cookies()).get(THEME_COOKIE)?.value);
  return (
    <html lang="en" data-theme={theme} data-api-url={apiUrl()}>
      <body>
        <a className="skip-link" href="#main">
          Skip to the content
        </a>
        <AuthProvider>{children}</AuthProvider>
      </body>
    </html>
  );
}
