import { DE } from './de.ts';
import { EN, type Words } from './en.ts';

/** Languages of the page, by their tag. */
const LANGUAGES: Readonly<Record<Language, Words>> = { en: EN, de: DE };

export type Language = 'en' | 'de';

/** The words of a language. */
export function wordsOf(language: Language): Words {
  return LANGUAGES[language];
}

/** The words of the page that is shown, for what is no part of it. */
export function pageWords(): Words {
  const { lang } = document.documentElement;
  return isLanguage(lang) ? LANGUAGES[lang] : EN;
}

/** The first language that a reader asks for and the page has; else English. @param asked tags such as `de-AT`, the favorite first */
export function pickLanguage(asked: readonly string[]): Language {
  const primary = asked.map((tag) => tag.toLowerCase().split('-')[0] ?? '');
  return primary.find(isLanguage) ?? 'en';
}

export function isLanguage(tag: string): tag is Language {
  return Object.hasOwn(LANGUAGES, tag);
}
