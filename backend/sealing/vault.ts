import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { BlindsightError } from '#protocol/errors.ts';
import type { Store } from '../store/store.ts';
import { KEY_BYTES } from './installation-key.ts';

const VERSION = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEADER_BYTES = 1 + NONCE_BYTES + TAG_BYTES;

/** A record in every vault that tells a wrong key from a damaged secret. */
const CHECK = 'key-check';

function associatedData(identity: string): Buffer {
  return Buffer.from(`blindsight sealed ${VERSION}\0${identity}`, 'utf8');
}

/**
 * Secrets at rest: AES-256-GCM under the installation key. Sealed bytes: version, nonce (12, random), tag (16), ciphertext.
 * The identity of the record is authenticated too, so that one record cannot stand in for another.
 */
export class Vault {
  readonly #key: KeyObject;

  /** @param key 32 bytes; copied into a key object and overwritten with zeros here. */
  constructor(key: Uint8Array) {
    if (key.length !== KEY_BYTES) {
      throw new BlindsightError(
        'INSTALLATION_KEY_INVALID',
        `an installation key has ${KEY_BYTES} bytes, not ${key.length}`,
      );
    }
    this.#key = createSecretKey(key);
    key.fill(0);
  }

  /** @param identity what the record is, for example `model/counter/1/secret-key`. */
  seal(identity: string, plaintext: Uint8Array): Uint8Array {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce).setAAD(associatedData(identity));
    const body = Buffer.concat([cipher.update(plaintext), cipher.final()]);
    return Buffer.concat([Uint8Array.of(VERSION), nonce, cipher.getAuthTag(), body]);
  }

  /**
   * Opens what {@link seal} made under the same identity. The caller overwrites the result after use.
   *
   * @throws BlindsightError SECRET_TAMPERED.
   */
  open(identity: string, sealed: Uint8Array): Uint8Array {
    if (sealed.length < HEADER_BYTES || sealed[0] !== VERSION) {
      throw new BlindsightError('SECRET_TAMPERED', `the sealed secret ${identity} is malformed`);
    }
    const nonce = sealed.subarray(1, 1 + NONCE_BYTES);
    const decipher = createDecipheriv('aes-256-gcm', this.#key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(associatedData(identity)).setAuthTag(sealed.subarray(1 + NONCE_BYTES, HEADER_BYTES));
    const body = decipher.update(sealed.subarray(HEADER_BYTES));
    try {
      decipher.final();
    } catch (cause) {
      body.fill(0);
      throw new BlindsightError(
        'SECRET_TAMPERED',
        `the sealed secret ${identity} does not open with this installation key`,
        { cause },
      );
    }
    return body;
  }

  /** Seals a secret into the store. `plaintext` is overwritten with zeros. */
  async keep(store: Store, identity: string, plaintext: Uint8Array, timeMs: number): Promise<void> {
    await store.secrets.add(identity, this.seal(identity, plaintext), timeMs);
    plaintext.fill(0);
  }

  /** Seals a secret into the store, in the place of the one before it. `plaintext` is overwritten with zeros. */
  async replace(store: Store, identity: string, plaintext: Uint8Array, timeMs: number): Promise<void> {
    await store.secrets.replace(identity, this.seal(identity, plaintext), timeMs);
    plaintext.fill(0);
  }

  /** @throws BlindsightError SECRET_MISSING, SECRET_TAMPERED. */
  async fetch(store: Store, identity: string): Promise<Uint8Array> {
    const sealed = await store.secrets.get(identity);
    if (sealed === null) throw new BlindsightError('SECRET_MISSING', `the store has no secret ${identity}`);
    return this.open(identity, sealed);
  }

  /** Leaves a record in a new store by which {@link verify} recognizes the key. */
  async mark(store: Store, timeMs: number): Promise<void> {
    await this.keep(store, CHECK, randomBytes(KEY_BYTES), timeMs);
  }

  /** What {@link Vault.mark} left in a store: sealed, and of no use but to {@link recognize} the key. @throws BlindsightError SECRET_MISSING */
  static async checkOf(store: Store): Promise<Uint8Array> {
    const check = await store.secrets.get(CHECK);
    if (check === null) throw new BlindsightError('SECRET_MISSING', `the store has no secret ${CHECK}`);
    return check;
  }

  /**
   * Checks that this is the key of the store.
   *
   * @throws BlindsightError INSTALLATION_KEY_INVALID, SECRET_MISSING.
   */
  async verify(store: Store): Promise<void> {
    this.recognize(await Vault.checkOf(store));
  }

  /**
   * Checks that this is the key of the store that {@link Vault.checkOf} read.
   *
   * @throws BlindsightError INSTALLATION_KEY_INVALID
   */
  recognize(check: Uint8Array): void {
    try {
      this.open(CHECK, check).fill(0);
    } catch (cause) {
      if (!(cause instanceof BlindsightError) || cause.code !== 'SECRET_TAMPERED') throw cause;
      throw new BlindsightError('INSTALLATION_KEY_INVALID', 'the installation key does not open this store', {
        cause,
      });
    }
  }
}
