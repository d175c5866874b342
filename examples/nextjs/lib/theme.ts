export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

export const THEME_COOKIE = "theme";

export const toTheme = (value: string | undefined): Theme => THEMES.find((theme) => theme === value) ?? "system";

/** In a cookie, so that the next page has the right colours from the server already. */
export function keepTheme(theme: Theme) {
  document.documentElement.dataset.theme = theme;
  document.cookie = `${THEME_COOKIE}=${theme}; path=/; max-age=31536000; samesite=lax`;
}
