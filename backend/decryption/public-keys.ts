import { createPublicKey, type KeyObject } from 'node:crypto';

/** Keys of gateways that are at work; of others they are read again. */
const MAX_KEYS = 16_384;

/** Public keys as objects: reading one from its text takes longer than to check a signature with it. */
export class PublicKeys {
  /** By PEM; least recently used first. */
  readonly #keys = new Map<string, KeyObject>();

  get(pem: string): KeyObject {
    const key = this.#keys.get(pem) ?? createPublicKey(pem);
    this.#keys.delete(pem);
    this.#keys.set(pem, key);
    if (this.#keys.size > MAX_KEYS) this.#keys.delete(this.#keys.keys().next().value!);
    return key;
  }
}
