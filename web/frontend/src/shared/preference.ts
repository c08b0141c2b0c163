// What the reader chose, remembered by the browser where it allows that (a page opened from a file may not store).

/** What was remembered under a name, or null. */
export function remembered(name: string): string | null {
  try {
    return localStorage.getItem(`rkmend.${name}`);
  } catch {
    return null;
  }
}

/** Remembers it, if that is possible. */
export function remember(name: string, value: string): void {
  try {
    localStorage.setItem(`rkmend.${name}`, value);
  } catch {
    // the choice holds until the page is closed
  }
}
