import { indexEvaluationKeys } from '../../ckks/evaluation-keys.ts';
import { decodeCiphertext, decodePublicKey } from '../../ckks/serialization.ts';
import { FheError } from '../../errors.ts';
import type { Interpreter, InterpreterMaterial, RunResult } from '../../program/interpreter.ts';
import type { PlainMaterial } from '../../program/plain-weights.ts';
import { checkKeys } from '../../program/requirements.ts';
import type { EngineContext } from '../evaluator/context.ts';
import { engineThreads } from '../threads/engine-threads.ts';
import type { KernelBuild } from '../threads/kernel-module.ts';
import { WindowReader } from '../window/window-reader.ts';
import { fitMemory, type Prepared } from './fit-memory.ts';
import { Lane } from './lane.ts';
import { loadMaterial } from './load-material.ts';
import { recordLane } from './record-lane.ts';
import type { SharedLane } from './second-lane.ts';
import { StreamedFile } from './streamed-file.ts';

export type EngineOptions = {
  /** Threads that share the work, including the caller's; default: the machine's, at most 4. The answer does not depend on it. */
  readonly threads?: number;
  /** For tests: the kernel with assertions. */
  readonly build?: KernelBuild;
  /** Most memory for everything that the kernel works on; 4 GiB, the most that WebAssembly addresses, where left out or above. */
  readonly memoryBytes?: number;
  /**
   * Where a file may be made for constants and keys that do not fit into the memory: they are read from it for every picture, in the order of
   * their use. Without a folder they must fit, and so must weights that are not encrypted: they are never written.
   */
  readonly folder?: string;
  readonly signal?: AbortSignal;
  /** How far loading is, from 0 to 1; called now and then. */
  readonly onProgress?: (share: number) => void;
};

/** How the memory of an engine is used, in bytes. */
export type MemoryUse = {
  /** WebAssembly memory: constant from the first frame on. */
  readonly memoryBytes: number;
  /** What is read from disk for every picture; 0 where all constants and keys are in memory. */
  readonly bytesPerRun: number;
};

/** An interpreter that can let another thread work beside it on the same memory. */
export interface SharingInterpreter extends Interpreter {
  readonly memoryUse: MemoryUse;
  /**
   * Milliseconds spent on reading constants and keys from disk, and bytes read, so far; null where all are in memory. Another thread sees by it that a run,
   * which blocks its own, goes on.
   */
  readonly diskUse: Float64Array | null;
  /**
   * Room for one more picture at a time, for `createSecondLane`. Takes the memory of its registers; no run may be under way.
   *
   * @returns null where there is no memory left for it, or constants come from disk: two pictures would read everything twice
   */
  share(): SharedLane | null;
}

/**
 * Binds a program to its material, using our kernel. Allocates all memory here: running frames allocates nothing.
 *
 * Constants and keys that do not fit into memory go to a file in `folder` and pass through a window while the tape runs
 * (`window/window.ts`); the answers are the same, byte for byte.
 *
 * `run` and `runEncrypted` block their thread until the answer is there, so the interpreter belongs in a worker thread. They throw
 * FheError FHE_WORKER if a thread of the engine failed: run the frame again after the event loop has turned; FHE_DISK if what was written to
 * the file cannot be read, or is not what was written: the interpreter must then be made anew.
 *
 * @throws FheError as `createReferenceInterpreter`; FHE_TOO_LARGE where memory does not suffice and there is no folder; FHE_MEMORY where it
 * does not suffice even so; FHE_DISK where the file cannot be written. What `signal` is aborted with.
 */
export async function createEngineInterpreter(
  material: InterpreterMaterial | PlainMaterial,
  { threads = engineThreads(), build = 'release', ...options }: EngineOptions = {},
): Promise<SharingInterpreter> {
  const { parameters, requirements } = material.program;
  const index = indexEvaluationKeys(parameters, material.evaluationKeys);
  checkKeys(requirements, index);
  const publicKey = decodePublicKey(parameters, material.publicKey);
  const { memoryBytes, folder = null, signal, onProgress } = options;
  const limits = {
    threads,
    build,
    memoryBytes,
    hasDisk: folder !== null && material.program.program.weights !== 'plain',
  };
  const prepared = await fitMemory({ verified: material.program, publicKey, index }, limits);
  const { engine, plan } = prepared;
  let file: StreamedFile | null = null;
  try {
    if (plan !== null) file = new StreamedFile(folder!, plan);
    const sources = { ...material, index, threads, signal, onProgress };
    await loadMaterial(engine, material.program, prepared.placed, file, sources);
    return new EngineInterpreter(prepared, file);
  } catch (error) {
    file?.close();
    await engine.close();
    throw error;
  }
}

class EngineInterpreter implements SharingInterpreter {
  readonly kind = 'engine';
  readonly #prepared: Prepared;
  readonly #lane: Lane;
  readonly #file: StreamedFile | null;
  readonly #reader: WindowReader | null;

  constructor(prepared: Prepared, file: StreamedFile | null) {
    const { engine, plan, lane } = prepared;
    this.#prepared = prepared;
    this.#file = file;
    const { memory } = engine.arena;
    this.#reader =
      plan === null || file === null
        ? null
        : new WindowReader(plan, {
            ...{ memory, pool: engine.pool.control },
            ...{ file: file.open.fd, checksums: file.open.checksums },
          });
    this.#lane = new Lane(memory, engine.pool, lane.recorded, this.#reader);
  }

  get #engine(): EngineContext {
    return this.#prepared.engine;
  }

  get memoryUse(): MemoryUse {
    const { byteLength } = this.#engine.arena.memory.buffer;
    return { memoryBytes: byteLength, bytesPerRun: this.#reader?.bytesPerRun ?? 0 };
  }

  get diskUse(): Float64Array | null {
    return this.#reader?.spent ?? null;
  }

  run(values: Float32Array, seed?: Uint8Array, threads?: number): RunResult {
    return this.#lane.run(values, seed, threads);
  }

  runEncrypted(inputs: readonly Uint8Array[]): Uint8Array {
    const { program, parameters } = this.#prepared.shared.program.verified;
    if (inputs.length !== program.inputs.length) {
      throw new FheError('FHE_RANGE', `${inputs.length} inputs: the program has ${program.inputs.length}`);
    }
    inputs.forEach((bytes, index) => {
      const { size, level, scale, residues } = decodeCiphertext(parameters, bytes);
      const expected = program.inputs[index]!;
      if (size !== 2 || level !== expected.level || scale !== expected.scale) {
        throw new FheError(
          'FHE_FORMAT',
          `input ${index} has another size, level or scale than the program says`,
        );
      }
      const block = this.#prepared.lane.inputs[index];
      if (block !== undefined) this.#engine.write(block, residues);
    });
    return this.#lane.evaluate();
  }

  share(): SharedLane | null {
    if (this.#reader !== null) return null;
    try {
      const { recorded } = recordLane(this.#prepared.shared, this.#engine.control());
      return { memory: this.#engine.arena.memory, recorded };
    } catch (error) {
      if (error instanceof FheError && error.code === 'FHE_TOO_LARGE') return null;
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#reader?.close();
    await this.#engine.close();
    this.#file?.close();
  }
}
