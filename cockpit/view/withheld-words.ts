/**
 * Why an opened answer was not believed; the reasons are those of the backend's decryptor. Versions before this one brought gateways into quarantine
 * for it, which lasts until they are released.
 */
const WORDS: Readonly<Record<string, string>> = {
  slots: 'it is too short',
  'not-finite': 'it holds values that are no numbers',
  'not-zero': 'places that the network leaves empty were filled',
  'copies-differ': 'copies of the same value differed',
  'out-of-range': 'its values were beyond what the network can answer',
  'no-logit': 'an answer was missing',
};

/** The reason in words, or as it is where this page does not know it. */
export function withheldWords(reason: string): string {
  return Object.hasOwn(WORDS, reason) ? (WORDS[reason] ?? reason) : reason;
}
