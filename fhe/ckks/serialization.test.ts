import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FheError } from '../errors.ts';
import { StreamPurpose, sampleUniform } from '../ring/samplers.ts';
import { testParameters } from '../testing/parameters.ts';
import type { Ciphertext } from './ciphertext.ts';
import {
  decodeEvaluationKeys,
  digitCount,
  encodeEvaluationKeys,
  evaluationKeysBytes,
  expandKeyHalf,
  type KeySwitchKey,
} from './evaluation-keys.ts';
import { HEADER_BYTES } from './format.ts';
import { checkParameters, findPrimes } from './parameters.ts';
import { RING_SWITCH_DIGITS, ringSwitchPrimes } from './ring-switch-key.ts';
import {
  ciphertextBytes,
  constantsBytes,
  decodeCiphertext,
  decodeConstants,
  decodePublicKey,
  encodeCiphertext,
  encodeConstants,
  encodePublicKey,
  encodeSeededCiphertext,
  expandSecondHalf,
  limbPrimes,
  type SeededCiphertext,
} from './serialization.ts';

// N = 2048 is the smallest allowed ring: 53 bits, here two primes of 26 bits.
const primes = findPrimes(2048, 26, 2);
const parameters = checkParameters({ ringDegree: 2048, moduli: [primes[0]!], specialModuli: [primes[1]!] });
const wide = testParameters(8192, 4, { special: 2 });

function uniform(limbs: readonly number[], degree: number, polynomials: number, byte: number): Uint32Array {
  const out = new Uint32Array(polynomials * limbs.length * degree);
  for (let limb = 0; limb < polynomials * limbs.length; limb++) {
    sampleUniform(
      out.subarray(limb * degree, (limb + 1) * degree),
      limbs[limb % limbs.length]!,
      new Uint8Array(32).fill(byte),
      StreamPurpose.ciphertext,
      { digit: 7, limb },
    );
  }
  return out;
}

const seed = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const ciphertext = (size: 2 | 3): Ciphertext => ({
  size,
  level: 0,
  scale: 2 ** 20 / 3,
  residues: uniform(limbPrimes(parameters, 0), 2048, size, 1),
});
const seeded = (modulus: 'Q' | 'QP'): SeededCiphertext => ({
  level: 0,
  scale: 12345.5,
  modulus,
  first: uniform(limbPrimes(parameters, 0, modulus), 2048, 1, 2),
  seed: seed(3),
});
const key = (level: number, byte: number, of = parameters): KeySwitchKey => ({
  level,
  b: uniform(limbPrimes(of, level, 'QP'), of.ringDegree, digitCount(of, level), byte),
  seed: seed(byte),
});

/** Every serialized form with its reader, all for the same small parameters. */
const forms: [string, Uint8Array, (bytes: Uint8Array) => unknown][] = [
  [
    'ciphertext of size 2',
    encodeCiphertext(parameters, ciphertext(2)),
    (b) => decodeCiphertext(parameters, b),
  ],
  [
    'ciphertext of size 3',
    encodeCiphertext(parameters, ciphertext(3)),
    (b) => decodeCiphertext(parameters, b),
  ],
  ['seeded', encodeSeededCiphertext(parameters, seeded('Q')), (b) => decodeCiphertext(parameters, b)],
  [
    'public key',
    encodePublicKey(parameters, { residues: uniform(limbPrimes(parameters, 0, 'QP'), 2048, 2, 4) }),
    (b) => decodePublicKey(parameters, b),
  ],
  [
    'evaluation keys',
    encodeEvaluationKeys(parameters, { relinearization: key(0, 5), rotations: new Map([[9, key(0, 6)]]) }),
    (b) => decodeEvaluationKeys(parameters, b),
  ],
  [
    'ring-switching key',
    encodeEvaluationKeys(parameters, {
      relinearization: null,
      rotations: new Map(),
      ringSwitch: {
        ringDegree: 2048,
        b: uniform(ringSwitchPrimes(parameters), 2048, RING_SWITCH_DIGITS, 7),
        seed: seed(8),
      },
    }),
    (b) => decodeEvaluationKeys(parameters, b),
  ],
  [
    'constants',
    encodeConstants(parameters, [seeded('Q'), seeded('QP')]),
    (b) => decodeConstants(parameters, [seeded('Q'), seeded('QP')], b),
  ],
];

/** Forms that can be written again from what was read. */
const rewritten: [string, Uint8Array, (bytes: Uint8Array) => Uint8Array][] = [
  [
    'ciphertext',
    encodeCiphertext(parameters, ciphertext(3)),
    (b) => encodeCiphertext(parameters, decodeCiphertext(parameters, b)),
  ],
  [
    'public key',
    encodePublicKey(parameters, { residues: uniform(primes, 2048, 2, 4) }),
    (b) => encodePublicKey(parameters, decodePublicKey(parameters, b)),
  ],
  [
    'constants',
    encodeConstants(parameters, [seeded('Q'), seeded('QP')]),
    (b) => encodeConstants(parameters, decodeConstants(parameters, [seeded('Q'), seeded('QP')], b)),
  ],
  [
    'evaluation keys',
    encodeEvaluationKeys(parameters, { relinearization: key(0, 5), rotations: new Map([[7, key(0, 6)]]) }),
    (b) => encodeEvaluationKeys(parameters, decodeEvaluationKeys(parameters, b)),
  ],
];

describe('serialized forms', () => {
  it('read back what was written', () => {
    for (const size of [2, 3] as const) {
      const bytes = encodeCiphertext(parameters, ciphertext(size));
      expect(bytes.length).toBe(ciphertextBytes(parameters, 0, size));
      expect(decodeCiphertext(parameters, bytes)).toEqual(ciphertext(size));
    }
    const constants = [seeded('Q'), seeded('QP')];
    const bytes = encodeConstants(parameters, constants);
    expect(bytes.length).toBe(constantsBytes(parameters, constants));
    expect(decodeConstants(parameters, constants, bytes)).toEqual(constants);
    const expanded = decodeCiphertext(parameters, encodeSeededCiphertext(parameters, seeded('Q')));
    expect(expanded.residues.subarray(0, 2048)).toEqual(seeded('Q').first);
    expect(expanded.residues.subarray(2048)).toEqual(expandSecondHalf(parameters, seeded('Q')));
  });

  it('holds hybrid, level-truncated keys in steps of their own', () => {
    const keys = {
      relinearization: key(3, 1, wide),
      rotations: new Map([
        [4095, key(0, 2, wide)],
        [2, key(2, 3, wide)],
      ]),
    };
    const bytes = encodeEvaluationKeys(wide, keys);
    expect(bytes.length).toBe(
      evaluationKeysBytes(wide, {
        relinearizationLevel: 3,
        rotations: [
          { step: 2, level: 2 },
          { step: 4095, level: 0 },
        ],
      }),
    );
    const back = decodeEvaluationKeys(wide, bytes);
    expect(back.relinearization).toEqual(keys.relinearization);
    expect([...back.rotations.keys()]).toEqual([2, 4095]);
    expect(back.rotations.get(4095)).toEqual(keys.rotations.get(4095));
    expect(digitCount(wide, 3)).toBe(2);
    expect(digitCount(wide, 2)).toBe(2);
    expect(digitCount(wide, 0)).toBe(1);
  });

  it('truncating a key keeps the residues of the limbs that stay', () => {
    const full = expandKeyHalf(wide, { level: 3, seed: seed(9) });
    const low = expandKeyHalf(wide, { level: 1, seed: seed(9) });
    const limb = (of: Uint32Array, limbs: number, digit: number, at: number): Uint32Array =>
      of.subarray((digit * limbs + at) * 8192, (digit * limbs + at + 1) * 8192);
    for (const at of [0, 1]) expect(limb(low, 4, 0, at)).toEqual(limb(full, 6, 0, at));
    for (const at of [0, 1]) expect(limb(low, 4, 0, 2 + at)).toEqual(limb(full, 6, 0, 4 + at));
  });

  it.each(forms)('%s: says that another release wrote it', (_, bytes, decode) => {
    const [older, newer] = [bytes.slice(), bytes.slice()];
    older[4]!--;
    newer[4]!++;
    expect(() => decode(older)).toThrow('format version 1 is of an older release');
    expect(() => decode(newer)).toThrow('format version 3 is of a newer release');
    // The size in version 1: four bytes for a residue, everything else equal.
    expect(() => decode(Buffer.concat([older, older]))).toThrow('older release');
  });

  it.each(rewritten)('%s: has one form only', (_, bytes, rewrite) => {
    expect(Buffer.compare(rewrite(bytes), bytes)).toBe(0);
    // In the middle of a Buffer too, as in files and messages.
    for (const shift of [0, 1, 4]) {
      const buffer = Buffer.concat([Buffer.alloc(shift, 255), bytes]);
      expect(Buffer.compare(rewrite(buffer.subarray(shift)), bytes)).toBe(0);
    }
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(7), (at, bit) => {
        const damaged = bytes.slice();
        damaged[at] = damaged[at]! ^ (1 << bit);
        let again: Uint8Array;
        try {
          again = rewrite(damaged);
        } catch (error) {
          expect(error).toBeInstanceOf(FheError);
          return;
        }
        // Another value, not another encoding of the same one.
        expect(Buffer.compare(again, damaged)).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  it.each(forms)('%s: refuses other parameters, kinds, versions and magic', (_, bytes, decode) => {
    for (const at of [0, 4, 5, 6, 8, 23]) {
      const damaged = bytes.slice();
      damaged[at] = damaged[at]! ^ 1;
      expect(() => decode(damaged)).toThrow(FheError);
    }
  });

  it.each(forms)('%s: refuses every truncation and extension', (_, bytes, decode) => {
    fc.assert(
      fc.property(fc.oneof(fc.nat(bytes.length - 1), fc.nat(HEADER_BYTES + 64)), (length) => {
        expect(() => decode(bytes.subarray(0, length))).toThrow(FheError);
      }),
      { numRuns: 100 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 64 }), (tail) => {
        expect(() => decode(Buffer.concat([bytes, tail]))).toThrow(FheError);
      }),
      { numRuns: 50 },
    );
  });

  it.each(forms)('%s: a flipped bit is refused or only changes a value', (_, bytes, decode) => {
    fc.assert(
      fc.property(
        fc.oneof(fc.nat(bytes.length - 1), fc.nat(HEADER_BYTES + 64)),
        fc.nat(7),
        fc.nat(3),
        (at, bit, shift) => {
          // At any alignment of the buffer.
          const buffer = new Uint8Array(bytes.length + shift);
          buffer.set(bytes, shift);
          const damaged = buffer.subarray(shift);
          damaged[at] = damaged[at]! ^ (1 << bit);
          try {
            decode(damaged);
          } catch (error) {
            expect(error).toBeInstanceOf(FheError);
            expect((error as FheError).code).toBe('FHE_FORMAT');
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it.each(forms)('%s: refuses a residue that is not below its prime', (_, bytes, decode) => {
    const damaged = bytes.slice();
    // The third word before the seed is a residue in every form.
    damaged.fill(255, bytes.length - 48, bytes.length - 32);
    if (bytes.length % 8 === 0) damaged.fill(255, bytes.length - 64, bytes.length - 32);
    expect(() => decode(damaged)).toThrow(/residue/);
  });

  it('refuses constants of another type than the program says', () => {
    const bytes = encodeConstants(parameters, [seeded('Q')]);
    expect(() => decodeConstants(parameters, [{ ...seeded('Q'), scale: 12345 }], bytes)).toThrow(
      /another level/,
    );
    expect(() => decodeConstants(parameters, [seeded('QP')], bytes)).toThrow(/bytes/);
    expect(() => decodeConstants(parameters, [], bytes)).toThrow('1 constants: the program has 0');
  });

  it('refuses steps that do not ascend', () => {
    const bytes = encodeEvaluationKeys(parameters, {
      relinearization: null,
      rotations: new Map([
        [1, key(0, 1)],
        [2, key(0, 2)],
      ]),
    });
    const second = bytes.length - (bytes.length - HEADER_BYTES - 8) / 2;
    bytes[second] = 1;
    expect(() => decodeEvaluationKeys(parameters, bytes)).toThrow(/ascending/);
  });
});
