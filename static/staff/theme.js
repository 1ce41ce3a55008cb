/** Light, dark, or as the system has it. Loaded before anything is painted. */

const KEY = "switchboard-staff:theme";
const THEMES = ["auto", "light", "dark"];

const theme = () => localStorage.getItem(KEY) ?? "auto";

const paint = () => {
  if (theme() === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme();
};

export const nextTheme = () => {
  localStorage.setItem(KEY, THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length]);
  paint();
};

export const themeWords = () => ({ auto: "Theme: auto", light: "Theme: light", dark: "Theme: dark" })[theme()] ?? "Theme";

paint();
