import { beforeAll, describe, expect, it } from 'vitest';
import { createEncoder } from '../ckks/encoder.ts';
import { decodeEvaluationKeys } from '../ckks/evaluation-keys.ts';
import {
  decodeConstants,
  decodePublicKey,
  encodeCiphertext,
  expandCiphertext,
  type SeededCiphertext,
} from '../ckks/serialization.ts';
import { FheError } from '../errors.ts';
import { encodeProgram } from '../program/codec.ts';
import type { Interpretation } from '../program/interpretation.ts';
import { verifyProgram } from '../program/verifier.ts';
import { addMod, mulMod } from '../ring/modular.ts';
import { createRing } from '../ring/ring.ts';
import { testParameters, worstError } from '../testing/parameters.ts';
import { makeMaterial, type TestProgram, testPicture, testPrograms } from '../testing/programs.ts';
import { createDecryptor } from './decryptor.ts';
import { encryptConstants, encryptInputs } from './encrypt.ts';
import { interpretSlots } from './interpret.ts';
import { createOwnerKeys, type OwnerKeys } from './owner-keys.ts';
import { decodeSecretKey, encodeSecretKey, secretResidues } from './secret-key.ts';

const parameters = testParameters(8192, 4);
const test = testPrograms(parameters).find(({ program }) => program.name === 'chain') as TestProgram;
const { program, constants } = test;

describe('owner side', () => {
  let keys: OwnerKeys;
  beforeAll(async () => {
    keys = await createOwnerKeys(parameters);
  });

  it('makes ternary secrets that differ', async () => {
    const secret = decodeSecretKey(parameters, keys.secretKey);
    const counts = [-1, 0, 1].map((value) => secret.filter((s) => s === value).length);
    for (const count of counts) expect(Math.abs(count - 8192 / 3)).toBeLessThan(300);
    expect((await createOwnerKeys(parameters)).secretKey).not.toEqual(keys.secretKey);
    expect(encodeSecretKey(parameters, secret)).toEqual(keys.secretKey);
    const damaged = keys.secretKey.slice();
    damaged[100] = 2;
    expect(() => decodeSecretKey(parameters, damaged)).toThrow(FheError);
    expect(() => decodeSecretKey(parameters, keys.secretKey.subarray(0, 100))).toThrow(FheError);
  });

  it('makes a public key that is an encryption of zero with an error as small as SEAL’s', () => {
    const secret = decodeSecretKey(parameters, keys.secretKey);
    const { residues } = decodePublicKey(parameters, keys.publicKey);
    const degree = parameters.ringDegree;
    const ring = createRing(degree);
    const primes = [...parameters.moduli, ...parameters.specialModuli];
    const under = secretResidues(ring, secret, primes);
    const errors = primes.map((q, limb) => {
      const sum = residues.slice(limb * degree, (limb + 1) * degree);
      const second = (primes.length + limb) * degree;
      for (let i = 0; i < degree; i++)
        sum[i] = addMod(sum[i]!, mulMod(residues[second + i]!, under[limb * degree + i]!, q), q);
      ring.ntt(q).inverse(sum);
      return Array.from(sum, (value) => (value > q / 2 ? value - q : value));
    });
    for (const error of errors) expect(error).toEqual(errors[0]);
    const deviation = Math.sqrt(errors[0]!.reduce((sum, e) => sum + e * e, 0) / degree);
    expect(Math.abs(deviation - 3.24)).toBeLessThan(0.15);
    expect(Math.max(...errors[0]!.map(Math.abs))).toBeLessThanOrEqual(21);
  });

  it('makes only the keys that the program needs, at the level of their use', async () => {
    const { material } = await makeMaterial(test, keys);
    const made = decodeEvaluationKeys(parameters, material.evaluationKeys);
    expect(made.relinearization?.level).toBe(3);
    expect([...made.rotations].map(([step, { level }]) => [step, level])).toEqual([[3, 1]]);
  });

  it('refuses values that do not fit, and the wrong number of constants', async () => {
    await expect(encryptConstants(verifyProgram(program), keys.secretKey, [])).rejects.toThrow(
      '0 constants: the program has 3',
    );
    const huge = constants.map((c, i) => (i === 0 ? c.map(() => 2 ** 100) : c));
    await expect(encryptConstants(verifyProgram(program), keys.secretKey, huge)).rejects.toMatchObject({
      code: 'FHE_RANGE',
    });
    const other = await createOwnerKeys(testParameters(8192, 3));
    await expect(encryptConstants(verifyProgram(program), other.secretKey, constants)).rejects.toMatchObject({
      code: 'FHE_FORMAT',
    });
  });

  it('encrypts so that the owner reads back every constant and input', async () => {
    const bytes = await encryptConstants(verifyProgram(program), keys.secretKey, constants);
    const decryptor = await createDecryptor(parameters, keys);
    decodeConstants(parameters, program.constants, bytes).forEach((constant, i) => {
      const slots = decryptor.decrypt(encodeCiphertext(parameters, expandCiphertext(parameters, constant)));
      expect(worstError(slots, constants[i]!)).toBeLessThan(2 ** -15);
    });
    const [input] = await encryptInputs(verifyProgram(program), keys.secretKey, testPicture);
    const slots = decryptor.decrypt(input!);
    decryptor.close();
    program.inputs[0]!.slots.forEach((index, i) => {
      expect(Math.abs(slots[i]! - (index < 0 ? 0 : testPicture[index]!))).toBeLessThan(2 ** -13);
    });
  });

  it('opens with each key what is under it, of many at once; one that is closed takes nothing from the others', async () => {
    const other = await createOwnerKeys(parameters);
    const [input] = await encryptInputs(verifyProgram(program), keys.secretKey, testPicture);
    const open = () => createDecryptor(parameters, keys);
    const [first, second, stranger] = await Promise.all([open(), open(), createDecryptor(parameters, other)]);
    const expected = first.decrypt(input!);
    expect(worstError(second.decrypt(input!), expected)).toBe(0);
    expect(worstError(stranger.decrypt(input!), expected)).toBeGreaterThan(1);
    first.close();
    first.close();
    expect(worstError(second.decrypt(input!), expected)).toBe(0);
    second.close();
    stranger.close();
    const again = await open();
    expect(worstError(again.decrypt(input!), expected)).toBe(0);
    again.close();
  });

  it('opens only what looks like the answer of the program', async () => {
    const decryptor = await createDecryptor(verifyProgram(program), keys);
    try {
      const [input] = await encryptInputs(verifyProgram(program), keys.secretKey, testPicture);
      expect(() => decryptor.decrypt(input!)).toThrow(/ciphertext of level 3/);
      expect(() => decryptor.decrypt(new Uint8Array(100))).toThrow(FheError);
      const { registers, output } = verifyProgram(program);
      const { level, scale } = registers.get(output)!;
      const words = (level + 1) * parameters.ringDegree;
      const ofSize = (size: 2 | 3) =>
        encodeCiphertext(parameters, { size, level, scale, residues: new Uint32Array(size * words) });
      expect(() => decryptor.decrypt(ofSize(3))).toThrow(expect.objectContaining({ code: 'FHE_FORMAT' }));
      // Noise in the right form.
      expect(decryptor.decrypt(ofSize(2))).toHaveLength(parameters.slots);
    } finally {
      decryptor.close();
    }
    const insecure = { ringDegree: 2048, modulus: parameters.moduli[0]! };
    expect(() => verifyProgram({ ...program, resultRing: insecure })).toThrow(FheError);
  });

  it('withholds a weight in place of a result, even with its level and scale forged', async () => {
    const bytes = await encryptConstants(verifyProgram(program), keys.secretKey, constants);
    const [weight] = decodeConstants(parameters, program.constants, bytes) as [SeededCiphertext];
    const { registers, output } = verifyProgram(program);
    const answer = registers.get(output)!;
    const expanded = expandCiphertext(parameters, weight);
    // A gateway can drop limbs and write any scale: only the slots reveal it.
    const half = (weight.level + 1) * parameters.ringDegree;
    const residues = new Uint32Array(2 * parameters.ringDegree);
    residues.set(expanded.residues.subarray(0, parameters.ringDegree));
    residues.set(expanded.residues.subarray(half, half + parameters.ringDegree), parameters.ringDegree);
    const forged = encodeCiphertext(parameters, {
      size: 2,
      level: answer.level,
      scale: answer.scale,
      residues,
    });
    const decryptor = await createDecryptor(verifyProgram(program), keys);
    const slots = decryptor.decrypt(forged);
    decryptor.close();
    const expected = new Int32Array(parameters.slots).fill(-1);
    expected.set([0, 1]);
    const interpretation: Interpretation = {
      labels: ['a', 'b'],
      expected,
      unit: 1,
      range: 10,
      tolerance: 0.05,
    };
    const verdict = interpretSlots(slots, interpretation);
    expect(verdict).toEqual({ ok: false, reason: 'not-zero' });
  });
});

describe('a bundle', () => {
  it('holds no plaintext parameter in any natural encoding', async () => {
    const { material } = await makeMaterial(test);
    const { program: _program, ...encrypted } = material;
    const parts = [encodeProgram(program), ...Object.values(encrypted)].map((part) => Buffer.from(part));
    const encoder = createEncoder(parameters, createRing(parameters.ringDegree));
    program.constants.forEach((type, index) => {
      const values = constants[index]!;
      const { scale, level, modulus } = type;
      const encoded = encoder.encode(values, { level, scale, modulus });
      const needles: Buffer[] = [];
      // Runs of four values, at several places, as floats, fixed point, text and encoded residues.
      for (const at of [0, 1, 100, values.length - 4]) {
        const run = values.slice(at, at + 4);
        needles.push(
          bytesOf(run),
          bytesOf(Float32Array.from(run)),
          bytesOf(Int32Array.from(run, (v) => Math.round(v * scale))),
          bytesOf(Int32Array.from(run, (v) => Math.round(v * 2 ** 16))),
          bytesOf(Int16Array.from(run, (v) => Math.round(v * 2 ** 15))),
          bytesOf(Int8Array.from(run, (v) => Math.round(v * 127))),
          Buffer.from(String(run[0])),
          bytesOf(encoded.slice(at, at + 2)),
        );
      }
      for (const needle of needles) {
        // Short runs of small integers occur by chance; every needle kept here has at least four bytes of its own.
        if (new Set(needle).size < 4) continue;
        for (const part of parts) if (needle.length > 4) expect(part.includes(needle)).toBe(false);
      }
    });
  });

  it('would be caught if it did', () => {
    const values = constants[0]!;
    const leaked = Buffer.concat([Buffer.alloc(5), bytesOf(Float32Array.from(values))]);
    expect(leaked.includes(bytesOf(Float32Array.from(values.slice(100, 104))))).toBe(true);
  });

  it('encrypts equal constants to ciphertexts that share nothing, and is never the same twice', async () => {
    const keys = await createOwnerKeys(parameters);
    const type = { level: 1, scale: 2 ** 28, modulus: 'Q' } as const;
    const twice = {
      ...program,
      constants: [type, type],
      instructions: [{ op: 'encrypt', out: 0, input: 0 } as const, { op: 'output', source: 0 } as const],
    };
    const equal = [constants[0]!, constants[0]!];
    const first = decodeConstants(
      parameters,
      twice.constants,
      await encryptConstants(verifyProgram(twice), keys.secretKey, equal),
    );
    const second = decodeConstants(
      parameters,
      twice.constants,
      await encryptConstants(verifyProgram(twice), keys.secretKey, equal),
    );
    const [a, b] = first as [SeededCiphertext, SeededCiphertext];
    for (const other of [b, second[0]!]) {
      expect(other.seed).not.toEqual(a.seed);
      const same = a.first.filter((value, i) => value === other.first[i]).length;
      // Equal residues occur by chance once in 2^30.
      expect(same).toBeLessThan(3);
    }
  });
});

function bytesOf(view: ArrayBufferView): Buffer {
  return Buffer.from(view.buffer, view.byteOffset, view.byteLength);
}
