import { setImmediate } from 'node:timers/promises';
import type { ByteSource } from '../../ckks/byte-source.ts';
import { expandKeyHalf, readEvaluationKeys } from '../../ckks/evaluation-keys.ts';
import { expandSecondHalf, readConstants, type SeededCiphertext } from '../../ckks/serialization.ts';
import type { VerifiedProgram } from '../../program/verifier.ts';
import type { EngineContext } from '../evaluator/context.ts';
import { fillKeyPart } from '../evaluator/keys.ts';
import type { MontgomeryScratch } from '../evaluator/montgomery-scratch.ts';
import { isStreamed } from '../evaluator/weight.ts';
import { keyItem, type PlacedMaterial } from './place-material.ts';
import type { StreamedFile } from './streamed-file.ts';

/** Serialized constants and keys, and who wants to know how far they are. */
export type MaterialSources = {
  readonly constants: Uint8Array | ByteSource;
  readonly evaluationKeys: Uint8Array | ByteSource;
  readonly signal?: AbortSignal | undefined;
  /** Called now and then. @param share of the bytes that are loaded, 0 to 1 */
  readonly onProgress?: ((share: number) => void) | undefined;
};

/** Between two turns of the event loop, in milliseconds. */
const TURN_MS = 100;

/**
 * Expands constants and keys to where they were placed: memory, or the file behind the window. One of them at a time is in the host's memory.
 *
 * @param file for what does not stay in memory
 * @throws FheError FHE_FORMAT as `decodeConstants` and `decodeEvaluationKeys`; FHE_DISK as {@link StreamedFile}
 */
export async function loadMaterial(
  engine: EngineContext,
  { program, parameters }: VerifiedProgram,
  placed: PlacedMaterial,
  scratch: MontgomeryScratch,
  file: StreamedFile | null,
  { constants, evaluationKeys, signal, onProgress }: MaterialSources,
): Promise<void> {
  const total = constants.length + evaluationKeys.length;
  let turnMs = performance.now();
  const turn = async (done: number): Promise<void> => {
    if (performance.now() - turnMs < TURN_MS) return;
    await setImmediate();
    signal?.throwIfAborted();
    onProgress?.(done / total);
    turnMs = performance.now();
  };
  let index = 0;
  for (const constant of readConstants(parameters, program.constants, constants)) {
    loadConstant(engine, constant, index, placed, scratch, file);
    await turn((constants.length * ++index) / program.constants.length);
  }
  const count = 1 + placed.keys.rotations.size;
  let read = 0;
  for (const entry of readEvaluationKeys(parameters, evaluationKeys)) {
    if ('ringSwitch' in entry) continue;
    const { step, key } = entry;
    const place = step === 0 ? placed.keys.relinearization : placed.keys.rotations.get(step);
    // A file may have more keys than the program uses.
    if (place === null || place === undefined) continue;
    const a = expandKeyHalf(parameters, key);
    for (const position of engine.positions(key.level, true)) {
      const part = place.at(position);
      if (typeof part === 'number') fillKeyPart(engine, key, a, position, part);
    }
    file?.write(keyItem(step), (position, at) => {
      fillKeyPart(engine, key, a, position, at);
      return at;
    });
    await turn(constants.length + (evaluationKeys.length * Math.min(++read, count)) / count);
  }
  onProgress?.(1);
  signal?.throwIfAborted();
}

function loadConstant(
  engine: EngineContext,
  constant: SeededCiphertext,
  index: number,
  placed: PlacedMaterial,
  scratch: MontgomeryScratch,
  file: StreamedFile | null,
): void {
  const { factor, addend } = placed.constants[index]!;
  const { first, level, modulus } = constant;
  const second = expandSecondHalf(engine.parameters, constant);
  const degree = engine.parameters.ringDegree;
  if (addend !== null) {
    engine.write(addend, first);
    engine.write(addend, second, 1);
  }
  if (factor === null) return;
  const convert = (position: number): number => {
    const at = engine.limbIndex(level, position) * degree;
    return scratch.convert(position, first.subarray(at, at + degree), second.subarray(at, at + degree));
  };
  if (isStreamed(factor)) {
    file?.write(index, convert);
    return;
  }
  const bytes = new Uint8Array(engine.arena.memory.buffer);
  for (const position of engine.positions(level, modulus === 'QP')) {
    const from = convert(position);
    for (const component of [0, 1]) {
      const at = from + component * engine.limbBytes;
      bytes.copyWithin(engine.limb(factor, component, position), at, at + engine.residueBytes);
    }
  }
}
