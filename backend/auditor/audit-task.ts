import type { AnsweredPicture } from '#protocol/envelope.ts';
import type { BundlePart } from '#protocol/manifest.ts';
import type { AnswerPlace } from '#protocol/opening.ts';

/** What an answer is about, and those that were gathered behind it in the same ciphertext. */
export type AuditedPlace = AnswerPlace & { readonly later?: readonly AnsweredPicture[] };

/** All that it takes to audit an answer; public but for the opening, which is sealed. */
export type AuditJob = {
  readonly place: AuditedPlace;
  /** SHA-256, hex, of the ciphertext of the answer. */
  readonly answer: string;
  /** As the gateway sealed it. */
  readonly opening: Uint8Array;
  /** Of the release that the answer names. */
  readonly parts: readonly BundlePart[];
};

/**
 * All that leaves an auditor. `unequal`: the opening belongs to this answer, and the network makes another answer of it, or no camera shows such a
 * picture. `no-opening`: what the gateway sent does not open.
 */
export type AuditOutcome = 'equal' | 'unequal' | 'no-opening';

/** Tasks of the auditor's thread. `open` is answered with nothing, `audit` with an {@link AuditOutcome}. */
export type AuditTask =
  | {
      readonly kind: 'open';
      /** PKCS #8 DER of X25519 keys: the one that openings are sealed to now, and those of before. */
      readonly keys: readonly Uint8Array[];
      /** Folder of bundle parts, named by their digests. */
      readonly parts: string;
    }
  | { readonly kind: 'audit'; readonly job: AuditJob };
