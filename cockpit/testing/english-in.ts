import type { Page } from 'playwright-core';

/** Words that are English and not German: every sentence of the page has one of them, or a term of its own. */
const ENGLISH =
  /\b(the|is|of|and|for|with|its|keys?|settings|state|cameras|network|waiting|dropped|certificate|disk|memory|audited|restart|fetch|collect|search|pause|abort|online|offline|wave|reason|leave|draw|corner|remove|mistakes?|changes?|nothing|entire|more|back|none)\b/i;

/** The texts in English that a page shows, or says to those who cannot see it. @param selector of the elements whose own texts are read */
export async function englishIn(page: Page, selector = 'body :not(noscript)'): Promise<readonly string[]> {
  const texts = await page
    .locator(selector)
    .evaluateAll((all) =>
      all.flatMap((one) => [
        ...[...one.childNodes].filter((node) => node.nodeType === 3).map((node) => node.nodeValue ?? ''),
        ...['aria-label', 'title', 'placeholder'].map((name) => one.getAttribute(name) ?? ''),
      ]),
    );
  return texts.flatMap((text) => (ENGLISH.test(text) ? [text] : []));
}
