/** Why an answer that was decrypted is not believed: as a rule its picture is not what the network was trained for. */
export const WITHHELD = {
  slots: 'it is too short',
  'not-finite': 'it holds values that are no numbers',
  'not-zero': 'places that the network leaves empty were filled',
  'copies-differ': 'copies of the same value differed',
  'out-of-range': 'its values were beyond what the network can answer',
  'no-logit': 'an answer was missing',
  'no-end': 'its decryption did not end',
} as const;

export type Withheld = keyof typeof WITHHELD;

/** The reason in words, or as it is where this version does not know it. */
export function withheldWords(reason: string): string {
  return Object.hasOwn(WITHHELD, reason) ? WITHHELD[reason as Withheld] : reason;
}
