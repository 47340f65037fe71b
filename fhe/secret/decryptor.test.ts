import type { SEALContext } from 'node-seal/throws';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { encodeCiphertext } from '../ckks/serialization.ts';
import { loadSeal, type Seal } from '../seal/runtime.ts';
import { testParameters } from '../testing/parameters.ts';
import { createDecryptor } from './decryptor.ts';
import { keyBytes } from './key-bytes.ts';
import { createOwnerKeys, type OwnerKeys } from './owner-keys.ts';

const parameters = testParameters(8192, 2);
/** Noise in the right form. */
const answer = encodeCiphertext(parameters, {
  ...{ size: 2, level: 0, scale: 2 ** 26 },
  residues: new Uint32Array(2 * parameters.ringDegree),
});

describe('a decryptor', () => {
  let keys: OwnerKeys;
  beforeAll(async () => {
    keys = await createOwnerKeys(parameters);
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });

  /** SEAL that something is changed of. */
  const spoiled = (change: (seal: Seal) => void) => async (): Promise<Seal> => {
    const seal = await loadSeal();
    change(seal);
    return seal;
  };
  const failing = (error: unknown) =>
    spoiled((seal) => {
      vi.spyOn(seal.Decryptor.prototype, 'decrypt').mockImplementation(() => {
        throw error;
      });
    });
  /** Counts secret keys that are wiped. */
  function countWiped(): () => number {
    const fill = vi.spyOn(Int8Array.prototype, 'fill');
    return () =>
      fill.mock.contexts.filter((one) => (one as Int8Array).length === parameters.ringDegree).length;
  }

  it('says what its key takes: the more, the larger its ring and the longer its chain', async () => {
    const decryptor = await createDecryptor(parameters, keys);
    expect(decryptor.bytes).toBe(keyBytes(8192, parameters.moduli.length + 1));
    decryptor.close();
    expect(keyBytes(4096, 2)).toBe(2 ** 19);
    expect(keyBytes(65_536, 2)).toBe(2 ** 23);
  });

  it('does not blame the bytes for what SEAL says once they are decoded', async () => {
    const load = failing(new Error('the ciphertext does not please'));
    const decryptor = await createDecryptor(parameters, keys, load);
    expect(() => decryptor.decrypt(answer)).toThrow(expect.objectContaining({ code: 'FHE_STATE' }));
    expect(() => decryptor.decrypt(answer.subarray(1))).toThrow(
      expect.objectContaining({ code: 'FHE_FORMAT' }),
    );
    decryptor.close();
  });

  it.each([
    new WebAssembly.RuntimeError('Aborted(). Build with -sASSERTIONS for more info.'),
    { message: ['std::bad_alloc', 'std::bad_alloc'] },
  ])('says that SEAL has to be started again: %s', async (error) => {
    const decryptor = await createDecryptor(parameters, keys, failing(error));
    expect(() => decryptor.decrypt(answer)).toThrow(expect.objectContaining({ code: 'FHE_WORKER' }));
    decryptor.close();
  });

  it('wipes its key where SEAL does not start, and starts it anew for the next one', async () => {
    const wiped = countWiped();
    const load = () => Promise.reject(new Error('no memory'));
    await expect(createDecryptor(parameters, keys, load)).rejects.toThrow('no memory');
    expect(wiped()).toBe(1);
    (await createDecryptor(parameters, keys)).close();
    expect(wiped()).toBe(2);
  });

  it('leaves nothing of tables that could not be made', async () => {
    let freed = 0;
    const load = spoiled((seal) => {
      const free = seal.SEALContext.prototype.delete;
      vi.spyOn(seal.SEALContext.prototype, 'delete').mockImplementation(function (this: SEALContext) {
        freed++;
        free.call(this);
      });
      Object.assign(seal, {
        CKKSEncoder: class {
          constructor() {
            throw new Error('no encoder');
          }
        },
      });
    });
    const decryptor = await createDecryptor(parameters, keys, load);
    expect(() => decryptor.decrypt(answer)).toThrow('no encoder');
    expect(freed).toBe(1);
    decryptor.close();
    // Nobody uses that instance any more.
    const next = vi.fn(loadSeal);
    (await createDecryptor(parameters, keys, next)).close();
    expect(next).toHaveBeenCalledOnce();
  });
});
