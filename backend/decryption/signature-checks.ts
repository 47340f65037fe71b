import type { KeyObject } from 'node:crypto';
import {
  type EnvelopeSignature,
  isLaterEnvelope,
  readSignature,
  signedSchema,
  splitEnvelope,
} from '#protocol/envelope.ts';
import type { Signed } from '#protocol/signed.ts';
import type { InboxItem } from '../store/inbox.ts';
import { ENVELOPE_MAX_BYTES } from './envelope-limit.ts';
import { PublicKeys } from './public-keys.ts';

/** Envelopes of which it is remembered what their signature says; a few hundred bytes each. */
const MAX_FOUND = 16_384;
/** Gateways whose key is remembered. */
const MAX_GATEWAYS = 16_384;

type Found = EnvelopeSignature & { readonly signingKey: string };

/**
 * Signatures of envelopes. A signature takes longer to check than all else about an envelope, so those that wait are checked together before their turn, in
 * the threads of the platform, and what was found is kept until then: it follows from the bytes and the key alone. An envelope is looked at under the key
 * that its gateway has *then*; what was found under another one says nothing.
 */
export class SignatureChecks {
  readonly #keys = new PublicKeys();
  /** PEM of the key that a gateway had when an envelope of it was looked at last. */
  readonly #keyOf = new Map<string, string>();
  /** By SHA-256 of the wire form, hex; oldest first. */
  readonly #found = new Map<string, Found>();

  /** Checks signatures of envelopes that are about to be looked at, all at once. */
  async prepare(items: readonly InboxItem[]): Promise<void> {
    await Promise.all(items.map((item) => this.#prepare(item)));
  }

  async #prepare({ digest, gateway, envelope }: InboxItem): Promise<void> {
    const signingKey = this.#keyOf.get(gateway);
    if (signingKey === undefined || this.#found.get(digest)?.signingKey === signingKey) return;
    try {
      const signed = splitEnvelope(envelope, ENVELOPE_MAX_BYTES);
      this.#keep(digest, { signingKey, ...(await readSignature(signed, this.#keys.get(signingKey))) });
    } catch {
      // Whoever looks at it finds out why.
    }
  }

  /** What the signature of an envelope says under the key that its gateway has. @param signingKey PEM */
  read({ digest, gateway }: InboxItem, signed: Signed, signingKey: string): EnvelopeSignature {
    if (this.#keyOf.get(gateway) !== signingKey) {
      this.#keyOf.delete(gateway);
      this.#keyOf.set(gateway, signingKey);
      if (this.#keyOf.size > MAX_GATEWAYS) this.#keyOf.delete(this.#keyOf.keys().next().value!);
    }
    const known = this.#found.get(digest);
    if (known?.signingKey === signingKey) return known;
    const key = this.#keys.get(signingKey);
    const schema = signedSchema(signed, key);
    const found = { signingKey, schema, isLater: schema === null && isLaterEnvelope(signed, key) };
    this.#keep(digest, found);
    return found;
  }

  /** A key as an object. @param signingKey PEM */
  key(signingKey: string): KeyObject {
    return this.#keys.get(signingKey);
  }

  #keep(digest: string, found: Found): void {
    this.#found.delete(digest);
    this.#found.set(digest, found);
    if (this.#found.size > MAX_FOUND) this.#found.delete(this.#found.keys().next().value!);
  }
}
