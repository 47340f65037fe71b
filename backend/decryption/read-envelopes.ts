import type { DecodedEnvelope } from '#protocol/envelope.ts';

/** Wire bytes of the envelopes that are kept; the largest envelope has one megabyte. */
const MAX_BYTES = 4 * 2 ** 20;

type Read = { readonly signingKey: string; readonly decoded: DecodedEnvelope; readonly bytes: number };

/**
 * Envelopes whose signature holds and that were decoded, for the second time they are checked: once as they arrive, once before they are decrypted. What is kept
 * follows from the bytes and the key alone, so it is as true the second time; all else about an envelope is looked up again. (Signature and decoding
 * were a third of what an answer's checks cost.)
 */
export class ReadEnvelopes {
  /** By SHA-256 of the wire form, hex; oldest first. */
  readonly #read = new Map<string, Read>();
  #bytes = 0;

  /**
   * Gives out an envelope that was kept; it is not kept any longer.
   *
   * @param digest SHA-256, hex, of the wire form that is in the inbox
   * @param signingKey PEM of the gateway's key now
   * @returns undefined where it was not kept, or its signature held under another key
   */
  get(digest: string, signingKey: string): DecodedEnvelope | undefined {
    const read = this.#read.get(digest);
    if (read === undefined) return undefined;
    this.#drop(digest, read);
    return read.signingKey === signingKey ? read.decoded : undefined;
  }

  /**
   * Keeps an envelope until it is asked for, or others that come later need the room.
   *
   * @param signingKey PEM of the key under which its signature holds
   * @param bytes of its wire form
   */
  keep(digest: string, signingKey: string, decoded: DecodedEnvelope, bytes: number): void {
    const before = this.#read.get(digest);
    if (before !== undefined) this.#drop(digest, before);
    this.#read.set(digest, { signingKey, decoded, bytes });
    this.#bytes += bytes;
    for (const [oldest, read] of this.#read) {
      if (this.#bytes <= MAX_BYTES) break;
      this.#drop(oldest, read);
    }
  }

  #drop(digest: string, { bytes }: Read): void {
    this.#read.delete(digest);
    this.#bytes -= bytes;
  }
}
