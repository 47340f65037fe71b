import { setImmediate } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { ByteSource } from '../../ckks/byte-source.ts';
import { digitCount, type KeyIndex, readPackedKeys } from '../../ckks/evaluation-keys.ts';
import { readPackedConstants } from '../../ckks/serialization.ts';
import { FheError } from '../../errors.ts';
import type { PlainConstant } from '../../program/plain-weights.ts';
import type { VerifiedProgram } from '../../program/verifier.ts';
import { StreamPurpose } from '../../ring/samplers.ts';
import type { EngineContext } from '../evaluator/context.ts';
import { isStreamed } from '../evaluator/weight.ts';
import type { PackedItem } from './item-expander.ts';
import { loadPlainConstants } from './load-plain-constants.ts';
import { Loader } from './loader.ts';
import { keyItem, type PlacedMaterial } from './place-material.ts';
import type { StreamedFile } from './streamed-file.ts';

/** Serialized constants and keys, and who wants to know how far they are. */
export type MaterialSources = {
  /** Serialized; of a program with plain weights the constants themselves. */
  readonly constants: Uint8Array | ByteSource | Iterable<PlainConstant>;
  readonly evaluationKeys: Uint8Array | ByteSource;
  /** What was read of the keys before, and memory was given out by. */
  readonly index: KeyIndex;
  /** That may work on them. */
  readonly threads: number;
  readonly signal?: AbortSignal | undefined;
  /** Called now and then. @param share of the bytes that are loaded, 0 to 1 */
  readonly onProgress?: ((share: number) => void) | undefined;
};

/** Between two turns of the event loop, in milliseconds. */
const TURN_MS = 100;
/** Below this it takes longer to start threads. */
const THREADS_FROM_BYTES = 16 * 2 ** 20;

/**
 * Expands constants and keys to where they were placed: memory, or the file behind the window. A few of them at a time are in the host's memory. The caller's
 * thread reads, and whoever makes the sources checks; others expand meanwhile.
 *
 * @param file for what does not stay in memory
 * @throws FheError FHE_FORMAT as `decodeConstants` and `decodeEvaluationKeys`; FHE_DISK where the file cannot be written; FHE_WORKER if a thread died
 */
export async function loadMaterial(
  engine: EngineContext,
  { program, parameters }: VerifiedProgram,
  placed: PlacedMaterial,
  file: StreamedFile | null,
  { constants, evaluationKeys, index: keyIndex, threads, signal, onProgress }: MaterialSources,
): Promise<void> {
  const isWritten = constants instanceof Uint8Array || 'read' in constants;
  if (isWritten === (program.weights === 'plain'))
    throw new FheError(
      'FHE_FORMAT',
      'constants: encrypted for a program with plain weights, or the other way round',
    );
  const constantBytes = isWritten ? constants.length : 0;
  const total = constantBytes + evaluationKeys.length;
  const { primes, limbBytes, arena } = engine;
  const { ringDegree } = parameters;
  const data = { memory: arena.memory, primes, ringDegree, limbBytes, file: file?.open ?? null };
  const loader = new Loader(data, threads > 1 && total >= THREADS_FROM_BYTES ? threads : 0);
  let turnMs = performance.now();
  const add = async (item: PackedItem, done: number): Promise<void> => {
    await loader.add(item);
    if (performance.now() - turnMs < TURN_MS) return;
    await setImmediate();
    signal?.throwIfAborted();
    onProgress?.(done / total);
    turnMs = performance.now();
  };
  try {
    if (isWritten) {
      let index = 0;
      for (const constant of readPackedConstants(parameters, program.constants, constants)) {
        const item = constantItem(engine, constant, index, placed, file);
        await add(item, (constantBytes * ++index) / program.constants.length);
      }
    } else loadPlainConstants(engine, placed.constants, constants);
    const count = 1 + placed.keys.rotations.size;
    let read = 0;
    for (const entry of readPackedKeys(parameters, evaluationKeys)) {
      checkIndex(keyIndex, entry);
      if ('ringSwitch' in entry) continue;
      const item = keyOf(engine, entry, placed, file);
      // A file may have more keys than the program uses.
      if (item === null) continue;
      await add(item, constantBytes + (evaluationKeys.length * Math.min(++read, count)) / count);
    }
    await loader.finish();
  } finally {
    await loader.close();
  }
  onProgress?.(1);
  signal?.throwIfAborted();
}

/**
 * Levels and the ring-switching key were read in a pass of their own, which no digest covers: whoever has the disk could have shown other bytes then. So they count only
 * if they are those of this pass.
 */
function checkIndex(index: KeyIndex, entry: Entry<ReturnType<typeof readPackedKeys>>): void {
  const isSame =
    'ringSwitch' in entry
      ? isDeepStrictEqual(entry.ringSwitch, index.ringSwitch)
      : (entry.step === 0 ? index.relinearization : index.rotations.get(entry.step))?.level ===
        entry.key.level;
  if (!isSame) throw new FheError('FHE_FORMAT', 'evaluation keys: they changed while they were read');
}

type Entry<Generated> = Generated extends Generator<infer T> ? T : never;
type PackedConstant = Entry<ReturnType<typeof readPackedConstants>>;
type PackedKey = Exclude<Entry<ReturnType<typeof readPackedKeys>>, { readonly ringSwitch: unknown }>;

function constantItem(
  engine: EngineContext,
  { level, modulus, packed, seed }: PackedConstant,
  index: number,
  placed: PlacedMaterial,
  file: StreamedFile | null,
): PackedItem {
  const { factor, addend } = placed.constants[index]!;
  const isInMemory = factor !== null && !isStreamed(factor);
  return {
    ...{ what: 'constants', packed, seed, purpose: StreamPurpose.ciphertext, digits: 1, isKey: false },
    positions: engine.positions(level, modulus === 'QP'),
    plain: addend?.address ?? null,
    montgomery: isInMemory ? factor.address : null,
    parts: isInMemory || factor === null ? [] : file!.partsOf(index),
  };
}

function keyOf(
  engine: EngineContext,
  { step, key: { level, packed, seed } }: PackedKey,
  placed: PlacedMaterial,
  file: StreamedFile | null,
): PackedItem | null {
  const place = step === 0 ? placed.keys.relinearization : placed.keys.rotations.get(step);
  if (place === null || place === undefined) return null;
  const first = place.at(0);
  return {
    ...{ what: 'evaluation keys', packed, seed, purpose: StreamPurpose.keySwitchKey, isKey: true },
    digits: digitCount(engine.parameters, level),
    positions: engine.positions(level, true),
    plain: null,
    montgomery: typeof first === 'number' ? first : null,
    parts: typeof first === 'number' ? [] : file!.partsOf(keyItem(step)),
  };
}
