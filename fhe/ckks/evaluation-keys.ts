import { SEED_BYTES, StreamPurpose, sampleUniform } from '../ring/samplers.ts';
import type { ByteSource } from './byte-source.ts';
import { FormatReader, FormatWriter, HEADER_BYTES, Kind, polynomialBytes } from './format.ts';
import type { ParametersLiteral } from './parameters.ts';
import { RING_SWITCH_DIGITS, type RingSwitchKey, ringSwitchPrimes } from './ring-switch-key.ts';
import { limbPrimes, primePosition } from './serialization.ts';

/**
 * A key that switches c·s′ to the secret s, for ciphertexts of level at most `level`.
 *
 * Digit d covers the limbs d·α … min((d+1)·α, level+1) − 1, α = number of special primes. It is the pair (b, a) modulo
 * q₀ … q_level, P with b = −a·s + e + P·s′ on the limbs of digit d and b = −a·s + e on all others. With α = 1
 * this is SEAL's key without the digits and limbs above `level`. `a` is derived from the seed: {@link expandKeyHalf}.
 */
export type KeySwitchKey = {
  readonly level: number;
  /** (digit · (level + 1 + α) + limb) · N + coefficient; limbs q₀ … q_level, then the special primes; NTT form. */
  readonly b: Uint32Array;
  readonly seed: Uint8Array;
};

/** The keys that a gateway needs to evaluate one program. */
export type EvaluationKeys = {
  /** s′ = s². */
  readonly relinearization: KeySwitchKey | null;
  /** By step in [1, N/2): s′ = s(X^g), g = `galoisElement(step)`; applied after the automorphism, as SEAL does. */
  readonly rotations: ReadonlyMap<number, KeySwitchKey>;
  /** For `switch-ring`. */
  readonly ringSwitch?: RingSwitchKey;
};

/** The keys that a program needs, each at the highest level of its uses. */
export type KeyRequirements = {
  readonly relinearizationLevel: number | null;
  /** Ascending steps in [1, N/2), each once. */
  readonly rotations: readonly { readonly step: number; readonly level: number }[];
  /** Ring degree of the results, if the program switches rings. */
  readonly ringSwitch?: number;
};

const KEY_BODY_BYTES = 8;
/** In place of a step: the entry is a ring-switching key. */
const RING_SWITCH_STEP = 0xffffffff;

/** Digits of a key for `level`. */
export function digitCount(parameters: ParametersLiteral, level: number): number {
  return Math.ceil((level + 1) / Math.max(1, parameters.specialModuli.length));
}

/** The digit that limb `limb` of the data primes belongs to. */
export function digitOfLimb(parameters: ParametersLiteral, limb: number): number {
  return Math.floor(limb / Math.max(1, parameters.specialModuli.length));
}

function keyBytes(parameters: ParametersLiteral, level: number): number {
  const digit = polynomialBytes(limbPrimes(parameters, level, 'QP'), parameters.ringDegree);
  return KEY_BODY_BYTES + SEED_BYTES + digitCount(parameters, level) * digit;
}

function ringSwitchBytes(parameters: ParametersLiteral): number {
  const digit = polynomialBytes(ringSwitchPrimes(parameters), parameters.ringDegree);
  return KEY_BODY_BYTES + SEED_BYTES + RING_SWITCH_DIGITS * digit;
}

function requirementLevels(requirements: KeyRequirements): { step: number; level: number }[] {
  const { relinearizationLevel, rotations } = requirements;
  const levels = rotations.map(({ step, level }) => ({ step, level }));
  return relinearizationLevel === null ? levels : [{ step: 0, level: relinearizationLevel }, ...levels];
}

/** Bytes of the evaluation-key file that meets `requirements` exactly. */
export function evaluationKeysBytes(parameters: ParametersLiteral, requirements: KeyRequirements): number {
  return requirementLevels(requirements).reduce(
    (sum, { level }) => sum + keyBytes(parameters, level),
    HEADER_BYTES + 8 + (requirements.ringSwitch === undefined ? 0 : ringSwitchBytes(parameters)),
  );
}

/** The uniform halves of a key, in the order of `b`. */
export function expandKeyHalf(
  parameters: ParametersLiteral,
  key: Pick<KeySwitchKey, 'level' | 'seed'>,
): Uint32Array {
  const primes = limbPrimes(parameters, key.level, 'QP');
  const degree = parameters.ringDegree;
  const digits = digitCount(parameters, key.level);
  const a = new Uint32Array(digits * primes.length * degree);
  for (let digit = 0; digit < digits; digit++) {
    primes.forEach((q, limb) => {
      const at = (digit * primes.length + limb) * degree;
      sampleUniform(a.subarray(at, at + degree), q, key.seed, StreamPurpose.keySwitchKey, {
        digit,
        limb: primePosition(parameters, key.level, limb),
      });
    });
  }
  return a;
}

/**
 * Body: count (u32), zero (u32), then each key: step (u32; 0 is the relinearization key and comes first, steps ascend), level (u8), zero
 * (3 bytes), seed (32 bytes), `b`. A ring-switching key comes last: its step is 2^32 − 1 and its level byte log2 of the small ring's degree.
 */
export function encodeEvaluationKeys(parameters: ParametersLiteral, keys: EvaluationKeys): Uint8Array {
  const list: [number, KeySwitchKey][] = [...keys.rotations].sort(([a], [b]) => a - b);
  if (keys.relinearization !== null) list.unshift([0, keys.relinearization]);
  const { ringSwitch } = keys;
  const bodyBytes = list.reduce(
    (sum, [, key]) => sum + keyBytes(parameters, key.level),
    8 + (ringSwitch === undefined ? 0 : ringSwitchBytes(parameters)),
  );
  const writer = new FormatWriter(Kind.evaluationKeys, parameters, bodyBytes);
  writer.u32(list.length + (ringSwitch === undefined ? 0 : 1));
  writer.u32(0);
  for (const [step, key] of list) {
    writer.u32(step);
    writer.u8(key.level);
    writer.raw(new Uint8Array(3));
    writer.raw(key.seed);
    writer.residues(key.b, limbPrimes(parameters, key.level, 'QP'), parameters.ringDegree);
  }
  if (ringSwitch !== undefined) {
    writer.u32(RING_SWITCH_STEP);
    writer.u8(Math.log2(ringSwitch.ringDegree));
    writer.raw(new Uint8Array(3));
    writer.raw(ringSwitch.seed);
    writer.residues(ringSwitch.b, ringSwitchPrimes(parameters), parameters.ringDegree);
  }
  return writer.finish();
}

/**
 * Reads an evaluation-key file.
 *
 * @throws FheError FHE_FORMAT if a byte is not as described, the length is not exact, steps do not ascend, or a residue is not below its prime.
 */
export function decodeEvaluationKeys(
  parameters: ParametersLiteral,
  bytes: Uint8Array | ByteSource,
): EvaluationKeys {
  let relinearization: KeySwitchKey | null = null;
  const rotations = new Map<number, KeySwitchKey>();
  let ringSwitch: RingSwitchKey | undefined;
  const { ringDegree } = parameters;
  const entries = readKeyFile(parameters, bytes, (reader, { step, level, seed }) => {
    const b = reader.residues(digitCount(parameters, level), limbPrimes(parameters, level, 'QP'), ringDegree);
    return { step, key: { level, b, seed } };
  });
  for (const entry of entries) {
    if ('ringSwitch' in entry) ringSwitch = entry.ringSwitch;
    else if (entry.step === 0) relinearization = entry.key;
    else rotations.set(entry.step, entry.key);
  }
  return { relinearization, rotations, ...(ringSwitch === undefined ? {} : { ringSwitch }) };
}

/** A key of a file whose residues are yet to be unpacked and checked; step 0 is the relinearization key. */
export type PackedKeyEntry =
  | {
      readonly step: number;
      readonly key: Omit<KeySwitchKey, 'b'> & { readonly packed: Uint8Array<ArrayBuffer> };
    }
  | { readonly ringSwitch: RingSwitchKey };

/** As {@link decodeEvaluationKeys}, one key after the other and not unpacked: of a file of gigabytes only one need be in memory. */
export function* readPackedKeys(
  parameters: ParametersLiteral,
  bytes: Uint8Array | ByteSource,
): Generator<PackedKeyEntry> {
  const { ringDegree } = parameters;
  yield* readKeyFile(parameters, bytes, (reader, { step, level, seed }): PackedKeyEntry => {
    const primes = limbPrimes(parameters, level, 'QP');
    const packed = reader.packedResidues(digitCount(parameters, level), primes, ringDegree);
    return { step, key: { level, packed, seed } };
  });
}

/** What is in a key file, without the residues of its keys: their levels. The ring-switching key is small and read. */
export type KeyIndex = {
  readonly relinearization: { readonly level: number } | null;
  readonly rotations: ReadonlyMap<number, { readonly level: number }>;
  readonly ringSwitch?: RingSwitchKey;
};

/** As {@link decodeEvaluationKeys}, but leaves the residues of switching keys out. */
export function indexEvaluationKeys(parameters: ParametersLiteral, bytes: Uint8Array | ByteSource): KeyIndex {
  const levels = new Map<number, { readonly level: number }>();
  let ringSwitch: RingSwitchKey | undefined;
  const entries = readKeyFile(parameters, bytes, (reader, { step, level }) => {
    const primes = limbPrimes(parameters, level, 'QP');
    reader.skipResidues(digitCount(parameters, level), primes, parameters.ringDegree);
    return { step, level };
  });
  for (const entry of entries) {
    if ('ringSwitch' in entry) ringSwitch = entry.ringSwitch;
    else levels.set(entry.step, { level: entry.level });
  }
  const relinearization = levels.get(0) ?? null;
  levels.delete(0);
  return { relinearization, rotations: levels, ...(ringSwitch === undefined ? {} : { ringSwitch }) };
}

function* readKeyFile<T>(
  parameters: ParametersLiteral,
  bytes: Uint8Array | ByteSource,
  read: (
    reader: FormatReader,
    key: { readonly step: number; readonly level: number; readonly seed: Uint8Array },
  ) => T,
): Generator<T | { readonly ringSwitch: RingSwitchKey }> {
  const reader: FormatReader = new FormatReader(Kind.evaluationKeys, parameters, bytes, 'evaluation keys');
  const slots = parameters.ringDegree / 2;
  const count = reader.u32();
  if (count > slots) reader.fail(`${count} keys: expected at most ${slots}`);
  reader.zeros(4);
  let previous = -1;
  for (let index = 0; index < count; index++) {
    const step = reader.u32();
    if (step === RING_SWITCH_STEP) {
      if (index !== count - 1) reader.fail('the ring-switching key is not the last key');
      yield { ringSwitch: readRingSwitchKey(parameters, reader) };
      break;
    }
    if (step <= previous || step >= slots)
      reader.fail(`step ${step} after ${previous}: expected ascending steps`);
    previous = step;
    const level = reader.level(parameters);
    reader.zeros(3);
    const seed = reader.raw(SEED_BYTES).slice();
    yield read(reader, { step, level, seed });
  }
  reader.end();
}

function readRingSwitchKey(parameters: ParametersLiteral, reader: FormatReader): RingSwitchKey {
  const ringDegree = 2 ** reader.u8();
  if (ringDegree > parameters.ringDegree) {
    reader.fail(`ring-switching key for ring ${ringDegree}: expected at most ${parameters.ringDegree}`);
  }
  reader.zeros(3);
  const seed = reader.raw(SEED_BYTES).slice();
  const b = reader.residues(RING_SWITCH_DIGITS, ringSwitchPrimes(parameters), parameters.ringDegree);
  return { ringDegree, b, seed };
}
