import { useCallback, useEffect, useState } from 'preact/hooks';
import { isLanguage, type Language, pickLanguage } from '../words/language.ts';

const STORAGE_KEY = 'blindsight-language';

/** The language of the page: the first that the browser asks for and the page has, unless the reader chose the other, which is kept in local storage. */
export function useLanguage(): { readonly language: Language; readonly toggle: () => void } {
  const [language, setLanguage] = useState<Language>(() => stored() ?? pickLanguage(navigator.languages));
  useEffect(() => {
    document.documentElement.lang = language;
  }, [language]);
  const toggle = useCallback(() => {
    const next: Language = language === 'en' ? 'de' : 'en';
    setLanguage(next);
    try {
      localStorage.setItem(STORAGE_KEY, next);
    } catch {
      // A private window may forbid storage: the choice then lasts as long as the page.
    }
  }, [language]);
  return { language, toggle };
}

function stored(): Language | null {
  try {
    const tag = localStorage.getItem(STORAGE_KEY) ?? '';
    return isLanguage(tag) ? tag : null;
  } catch {
    return null;
  }
}
