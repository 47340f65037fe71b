import { useCallback, useEffect, useState } from 'preact/hooks';

export type Theme = 'light' | 'dark';

const STORAGE_KEY = 'blindsight-theme';
const DARK = '(prefers-color-scheme: dark)';

/**
 * The theme of the page: the system's, unless the reader chose another, which is kept in local storage. Choosing the
 * system's own theme clears the choice, so that the page follows the system again.
 */
export function useTheme(): { readonly theme: Theme; readonly toggle: () => void } {
  const [system, setSystem] = useState<Theme>(systemTheme);
  const [chosen, setChosen] = useState<Theme | null>(storedTheme);
  const theme = chosen ?? system;

  useEffect(() => {
    const query = matchMedia(DARK);
    const follow = () => setSystem(systemTheme());
    query.addEventListener('change', follow);
    // Effects run after the next frame: see use-route.ts.
    follow();
    return () => query.removeEventListener('change', follow);
  }, []);

  const toggle = useCallback(() => {
    const next: Theme = theme === 'dark' ? 'light' : 'dark';
    const choice = next === system ? null : next;
    setChosen(choice);
    storeTheme(choice);
    applyTheme(choice);
  }, [theme, system]);

  return { theme, toggle };
}

/** Sets the stored choice on the document; called before the first paint, so that the page never flashes. */
export function applyStoredTheme(): void {
  applyTheme(storedTheme());
}

function applyTheme(choice: Theme | null): void {
  if (choice === null) delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = choice;
}

function systemTheme(): Theme {
  return matchMedia(DARK).matches ? 'dark' : 'light';
}

/** A private window may forbid storage: the choice then lasts as long as the page. */
function storedTheme(): Theme | null {
  try {
    const stored = localStorage.getItem(STORAGE_KEY);
    return stored === 'light' || stored === 'dark' ? stored : null;
  } catch {
    return null;
  }
}

function storeTheme(choice: Theme | null): void {
  try {
    if (choice === null) localStorage.removeItem(STORAGE_KEY);
    else localStorage.setItem(STORAGE_KEY, choice);
  } catch {
    // See storedTheme.
  }
}
