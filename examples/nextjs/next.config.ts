import { existsSync, writeFileSync } from "node:fs";
import type { NextConfig } from "next";

const distDir = process.env.NEXT_DIST_DIR || ".next";

const securityHeaders = [
  { key: "X-Content-Type-Options", value: "nosniff" },
  { key: "X-Frame-Options", value: "DENY" },
  { key: "Referrer-Policy", value: "strict-origin-when-cross-origin" },
  { key: "Permissions-Policy", value: "camera=(), geolocation=(), microphone=(), payment=()" },
  { key: "Cross-Origin-Opener-Policy", value: "same-origin" },
  // Browsers take it from https alone.
  { key: "Strict-Transport-Security", value: "max-age=31536000" },
];

const config: NextConfig = {
  distDir,
  typescript: { tsconfigPath: tsconfigFor(distDir) },
  poweredByHeader: false,
  reactStrictMode: true,
  // The repository has other packages beside this one.
  turbopack: { root: import.meta.dirname },
  outputFileTracingRoot: import.meta.dirname,
  headers: async () => [
    { source: "/:path*", headers: securityHeaders },
    // Its address has the token that sets a password: no link and no request may name it.
    { source: "/reset-password", headers: [{ key: "Referrer-Policy", value: "no-referrer" }] },
  ],
};

/** Next writes the folder of the build into the tsconfig. Another folder gets a file of its own, so that the committed one stays. */
function tsconfigFor(distDir: string): string {
  if (distDir === ".next") return "tsconfig.json";
  const path = `tsconfig.${distDir.replace(/[^\w-]+/g, "")}.json`;
  if (!existsSync(path)) writeFileSync(path, JSON.stringify({ extends: "./tsconfig.json" }));
  return path;
}

export default config;
