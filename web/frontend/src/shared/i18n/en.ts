/** Labels of what every page has. */
export const en = {
  language: "Language",
  theme: "Colours",
  "theme.auto": "Auto",
  "theme.light": "Light",
  "theme.dark": "Dark",
  skip: "Skip to the content",
  copy: "Copy",
  copied: "Copied",
  "copy.failed": "Select the text and copy it",
} as const;
