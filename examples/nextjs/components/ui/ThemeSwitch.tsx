"use client";

import { useState } from "react";
import { keepTheme, THEMES, type Theme } from "@/lib/theme";
import { Icon } from "./Icon";

const NAMES = { system: "As the system", light: "Light", dark: "Dark" } as const;
const ICONS = { system: "system", light: "sun", dark: "moon" } as const;

export function ThemeSwitch({ initial }: { initial: Theme }) {
  const [theme, setTheme] = useState(initial);

  function choose(theme: Theme) {
    setTheme(theme);
    keepTheme(theme);
  }

  return (
    <fieldset className="theme-switch">
      <legend className="sr-only">Colour theme</legend>
      {THEMES.map((value) => (
        <label key={value} title={NAMES[value]}>
          <input type="radio" name="theme" value={value} checked={theme === value} onChange={() => choose(value)} />
          <span className="sr-only">{NAMES[value]}</span>
          <Icon name={ICONS[value]} />
        </label>
      ))}
    </fieldset>
  );
}
