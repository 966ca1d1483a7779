import { useEffect } from "react";
import { usePreference } from "./preference";

export type Theme = "light" | "dark" | "system";
export const themes: readonly Theme[] = ["light", "dark", "system"];

/// The chosen theme and its setter; keeps the document in step with it and with the system's own. The same rule
/// is in public/theme.js, which runs before the first paint.
export function useTheme(): [Theme, (theme: Theme) => void] {
  const [stored, setTheme] = usePreference("theme", "system");
  const theme: Theme = themes.includes(stored as Theme) ? (stored as Theme) : "system";
  useEffect(() => {
    const system = matchMedia("(prefers-color-scheme: dark)");
    const apply = () => {
      const dark = theme === "dark" || (theme === "system" && system.matches);
      document.documentElement.classList.toggle("pf-v6-theme-dark", dark);
    };
    apply();
    system.addEventListener("change", apply);
    return () => system.removeEventListener("change", apply);
  }, [theme]);
  return [theme, setTheme];
}
