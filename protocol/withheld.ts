/** Why a decrypted answer is not trusted. Usually its picture is not what the network was trained for. */
export const WITHHELD = {
  slots: 'it is too short',
  'not-finite': 'it contains values that are not numbers',
  'not-zero': 'places that should be empty were filled',
  'copies-differ': 'copies of the same value differed',
  'out-of-range': 'its values were outside the range of the network',
  'no-logit': 'a value was missing',
  company: 'a picture of another camera in the same ciphertext may have spoiled it',
  'no-end': 'its decryption did not finish',
} as const;

export type Withheld = keyof typeof WITHHELD;

/** The reason in words, or unchanged if this version does not know it. */
export function withheldWords(reason: string): string {
  return Object.hasOwn(WITHHELD, reason) ? WITHHELD[reason as Withheld] : reason;
}
