import { cookies } from "next/headers";
import { THEME_COOKIE, toTheme } from "@/lib/theme";
import { ThemeSwitch } from "./ui/ThemeSwitch";

export async function ServerThemeSwitch() {
  return <ThemeSwitch initial={toTheme((await cookies()).get(THEME_COOKIE)?.value)} />;
}
