import { decodeProgram, encodeProgram, findPrimes, type ParametersLiteral, verifyProgram } from '#fhe';
import {
  createAnswerForm,
  decodeCiphertext,
  decodeConstants,
  decodeEvaluationKeys,
  decodePublicKey,
  digitCount,
  encodeCiphertext,
  encodeConstants,
  encodeEvaluationKeys,
  encodePublicKey,
  encodeSeededCiphertext,
  ringSwitchResidues,
  type SeededCiphertext,
  testParameters,
  testPrograms,
} from '#fhe/testing';
import { cbor } from '../formats/cbor.ts';
import type { Target } from '../target.ts';
import { expectSameBytes } from './expect-same-bytes.ts';

/** A ring as small as the formats allow, so that inputs are short; no check of the parsers depends on it. */
const DEGREE = 64;
const primes = findPrimes(DEGREE, 30, 3);
const toy: ParametersLiteral = {
  ringDegree: DEGREE,
  moduli: primes.slice(0, 2),
  specialModuli: primes.slice(2),
};
const residues = (count: number) =>
  Uint32Array.from({ length: count }, (_, i) => (i * 2_654_435_761) % 2 ** 29);
const seed = new Uint8Array(32).fill(3);
const SCALE = 2 ** 28;

const constants: SeededCiphertext[] = [
  { level: 1, scale: SCALE, modulus: 'Q', first: residues(2 * DEGREE), seed },
  { level: 0, scale: SCALE, modulus: 'QP', first: residues(2 * DEGREE), seed },
];
const keyAt = (level: number) => ({
  level,
  b: residues(digitCount(toy, level) * (level + 2) * DEGREE),
  seed,
});

const inBytes = { sources: ['/fhe/'], refusals: ['FHE_FORMAT'] } as const;
const compact = createAnswerForm(toy, true);

/** Programs, and every part of a bundle or an answer that holds polynomials. */
export const FHE_TARGETS: readonly Target[] = [
  {
    name: 'program',
    share: 0.2,
    format: cbor,
    sources: ['/fhe/program/', '/fhe/ckks/', '/cborg/'],
    refusals: ['FHE_FORMAT', 'FHE_TOO_LARGE', 'FHE_PROGRAM', 'FHE_PARAMETERS', 'FHE_SECURITY'],
    maxBytes: 40_000,
    seeds: () =>
      testPrograms(testParameters(4096, 3, { bits: 26 })).map(({ program }) => encodeProgram(program)),
    run(input) {
      const program = decodeProgram(input);
      expectSameBytes('program', encodeProgram(program), input);
      const verified = verifyProgram(program);
      if (verified.parameters.moduli.length < 1) throw new Error('a program without a modulus is verified');
      return true;
    },
  },
  {
    name: 'ciphertext',
    ...inBytes,
    seeds: () => [
      encodeCiphertext(toy, { size: 2, level: 1, scale: SCALE, residues: residues(4 * DEGREE) }),
      encodeCiphertext(toy, { size: 3, level: 0, scale: SCALE, residues: residues(3 * DEGREE) }),
      encodeSeededCiphertext(toy, constants[0]!),
    ],
    run(input) {
      const ciphertext = decodeCiphertext(toy, input);
      // A seeded one is written with both halves.
      if (input[26] === 0) expectSameBytes('ciphertext', encodeCiphertext(toy, ciphertext), input);
      if (ciphertext.residues.length !== ciphertext.size * (ciphertext.level + 1) * DEGREE)
        throw new Error('a ciphertext of another size than it says');
      return true;
    },
  },
  {
    name: 'answer-compact',
    ...inBytes,
    seeds: () => [compact.encode({ size: 2, level: 0, scale: SCALE, residues: residues(2 * DEGREE) })],
    run(input) {
      expectSameBytes('answer', compact.encode(compact.decode(input)), input);
      return true;
    },
  },
  {
    name: 'public-key',
    ...inBytes,
    seeds: () => [encodePublicKey(toy, { residues: residues(6 * DEGREE) })],
    run(input) {
      expectSameBytes('public key', encodePublicKey(toy, decodePublicKey(toy, input)), input);
      return true;
    },
  },
  {
    name: 'constants',
    ...inBytes,
    seeds: () => [encodeConstants(toy, constants)],
    run(input) {
      expectSameBytes('constants', encodeConstants(toy, decodeConstants(toy, constants, input)), input);
      return true;
    },
  },
  {
    name: 'evaluation-keys',
    ...inBytes,
    seeds: () => [
      encodeEvaluationKeys(toy, {
        relinearization: keyAt(1),
        rotations: new Map([
          [1, keyAt(0)],
          [3, keyAt(1)],
        ]),
      }),
      encodeEvaluationKeys(toy, {
        relinearization: null,
        rotations: new Map(),
        ringSwitch: {
          ringDegree: DEGREE / 2,
          b: residues(ringSwitchResidues(toy)).map((one) => one % 2 ** 21),
          seed,
        },
      }),
    ],
    run(input) {
      expectSameBytes('evaluation keys', encodeEvaluationKeys(toy, decodeEvaluationKeys(toy, input)), input);
      return true;
    },
  },
];
