import { useEffect } from 'preact/hooks';
import type { SiteNeeds } from '../view/site-needs.ts';
import type { Tone } from '../view/tone.ts';

const ICONS: Readonly<Record<Tone, string>> = {
  good: new URL('../assets/eye-good.svg', import.meta.url).href,
  wait: new URL('../assets/eye-wait.svg', import.meta.url).href,
  warn: new URL('../assets/eye-warn.svg', import.meta.url).href,
  bad: new URL('../assets/eye-bad.svg', import.meta.url).href,
  off: new URL('../assets/eye-off.svg', import.meta.url).href,
};

/** Says in the tab of the browser what is worst about the site: a number and words in its title, a color and a shape in its icon. @param site its name; null while it is not known */
export function useTab({ tone, headline, detail, count }: SiteNeeds, site: string | null): void {
  const words = count > 1 ? detail : headline;
  const title = [count > 0 ? `(${count}) ${words}` : words, site ?? 'Blindsight'].join(' · ');
  useEffect(() => {
    document.title = title;
  }, [title]);
  useEffect(() => {
    document.querySelector<HTMLLinkElement>('link[rel=icon]')?.setAttribute('href', ICONS[tone]);
  }, [tone]);
}
