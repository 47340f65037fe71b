import type { Interpretation } from '#fhe';
import type { OutputPolicy } from '#protocol/output-policy.ts';
import type { Withheld } from '#protocol/withheld.ts';
import type { RegionAnswer } from './round-answer.ts';

/** `result`: the small ring of answers; its key opens no stored weight. `main`: the ring of the network itself, for answers without one. */
export type AnswerRing = 'result' | 'main';

/** Tasks of the decrypting thread. */
export type DecryptTask =
  /** Answered by the bytes that the key takes in memory. */
  | {
      readonly kind: 'open';
      /** Its name in `decrypt` and `close`. */
      readonly keySet: string;
      readonly program: Uint8Array;
      /** The ring that answers travel in, and the one secret key that opens it. */
      readonly ring: AnswerRing;
      readonly secretKey: Uint8Array;
      readonly interpretation: Interpretation;
      /** How much of each answer may leave the thread. */
      readonly output: OutputPolicy;
    }
  /** Answered by a {@link DecryptOutcome} for each. */
  | { readonly kind: 'decrypt'; readonly answers: readonly ToDecrypt[] }
  /** Wipes and forgets a key. */
  | { readonly kind: 'close'; readonly keySet: string };

export type ToDecrypt = {
  readonly keySet: string;
  readonly ciphertext: Uint8Array;
  /** Regions of each picture that it is about, where there are several pictures. */
  readonly pictures?: readonly number[];
  /** Answers that were gathered in it; one where left out. */
  readonly gathered?: number;
};

/** What an envelope says that its ciphertext answers about. */
export type Contents = Pick<ToDecrypt, 'pictures' | 'gathered'>;

/** All that ever leaves the thread: what the output policy of the network lets out, or why there is nothing. */
export type DecryptAnswer =
  | OneAnswer
  /** Each of those that were gathered, judged by itself. */
  | { readonly kind: 'gathered'; readonly each: readonly Exclude<OneAnswer, { readonly kind: 'refused' }>[] };

/** Of a ciphertext with one answer in it. */
export type OneAnswer =
  /** One for each region that the ciphertext answers about; null for those of a picture whose answer is not trusted, where there are several. */
  | { readonly kind: 'answer'; readonly answers: readonly (RegionAnswer | null)[] }
  /** Not decrypted: the ciphertext is not an answer of the program. */
  | { readonly kind: 'refused' }
  /** Decrypted, but not trusted. */
  | { readonly kind: 'withheld'; readonly reason: Withheld };

/** `failed`: the trouble is ours, not that of the answer. */
export type DecryptOutcome = DecryptAnswer | { readonly kind: 'failed'; readonly message: string };
