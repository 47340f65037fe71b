import type { ByteSource } from '../ckks/byte-source.ts';
import type { VerifiedProgram } from './verifier.ts';

/** Milliseconds spent in the two halves of a run. */
export type RunTimings = { readonly encryptMs: number; readonly evaluateMs: number };

/** A serialized answer (format: fhe/ckks/serialization.ts) and the time it took. */
export type RunResult = { readonly ciphertext: Uint8Array; readonly timings: RunTimings };

/**
 * A program bound to its constants and keys, ready to run on a gateway. Public data only. Heavy: lives in a worker
 * thread. Made by `createReferenceInterpreter` (node-seal) or `createEngineInterpreter` (our kernel), which take
 * the same {@link InterpreterMaterial}.
 */
export interface Interpreter {
  readonly kind: 'reference' | 'engine';
  /**
   * Encrypts a picture under the public key and runs the program.
   *
   * @param values channels × height × width values in [0, 1], row-major, channel first.
   * @param seed 32 bytes that the randomness of the encryption follows from (engine only): with the same bundle and picture the answer has the
   *   same bytes on every machine. Whoever has the seed can open the encrypted picture, and no two pictures may have the same one. Fresh from
   *   the operating system where left out.
   * @param threads that may work on it, including the caller's; as many as the interpreter has where left out. The answer does not depend on it.
   * @throws FheError FHE_RANGE for a seed of another length, or for the reference interpreter, which cannot be given one.
   */
  run(values: Float32Array, seed?: Uint8Array, threads?: number): RunResult;
  /**
   * Runs the program on already encrypted inputs (self-test): deterministic, so the same inputs give the same bytes on every machine.
   *
   * @param inputs one serialized ciphertext for each program input.
   */
  runEncrypted(inputs: readonly Uint8Array[]): Uint8Array;
  /** Frees wasm memory and threads. */
  close(): Promise<void>;
}

/**
 * The parts of a bundle that an interpreter needs: a verified program, and bytes whose digests were checked. Constants and evaluation keys
 * may be sources, as they can have gigabytes: the headers of keys are read first, then each source once, front to back.
 */
export type InterpreterMaterial = {
  readonly program: VerifiedProgram;
  readonly constants: Uint8Array | ByteSource;
  readonly publicKey: Uint8Array;
  readonly evaluationKeys: Uint8Array | ByteSource;
};

/** Material that is in memory as a whole. */
export type MaterialInMemory = InterpreterMaterial & {
  readonly constants: Uint8Array;
  readonly evaluationKeys: Uint8Array;
};
