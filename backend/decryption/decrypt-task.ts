import type { Interpretation } from '#fhe/program/interpretation.ts';

/** Tasks of the decrypting thread. */
export type DecryptTask =
  | {
      readonly kind: 'open';
      /** Name under which `decrypt` speaks of it. */
      readonly model: string;
      readonly program: Uint8Array;
      readonly secretKey: Uint8Array;
      readonly resultSecretKey: Uint8Array | null;
      readonly interpretation: Interpretation;
    }
  | { readonly kind: 'decrypt'; readonly model: string; readonly ciphertext: Uint8Array };

/** All that ever leaves the thread: rounded numbers, or why there are none. */
export type DecryptAnswer =
  | {
      readonly kind: 'answer';
      readonly label: string;
      readonly probability: number;
      readonly probabilities: Readonly<Record<string, number>>;
    }
  /** Not decrypted: the ciphertext is not what the program answers with. */
  | { readonly kind: 'refused' }
  /** Decrypted, and not believed. */
  | { readonly kind: 'withheld'; readonly reason: string };
