import { setImmediate } from 'node:timers/promises';
import {
  createEngineInterpreter,
  createReferenceInterpreter,
  encodeProgram,
  FheError,
  type MemoryUse,
} from '#fhe';
import { runClear } from '#fhe/design';
import { createDecryptor, createOwnerKeys, encryptConstants, makeEvaluationKeys } from '#fhe/secret';
import type { CompiledNetwork } from '#network/compiler/compiled-network.ts';

/** Who runs the program: our kernel, Microsoft SEAL, or float64 slots without encryption. */
export const ENGINES = ['engine', 'reference', 'clear'] as const;
export type EngineKind = (typeof ENGINES)[number];

/** A protected network that answers pictures: gateway and decryptor combined, for measurements. */
export type Answerer = {
  /** Program, public key, encrypted constants and evaluation keys, as a gateway gets them; null where nothing is encrypted. */
  readonly bundleBytes: number | null;
  /** Of the engine; null for others. */
  readonly memory: MemoryUse | null;
  /**
   * @param picture values in [0, 1], channel first.
   * @returns all slots of the answer, and the time of the gateway's part (encryption and evaluation).
   */
  answer(picture: Float32Array): Promise<{ readonly slots: Float64Array; readonly latencyMs: number }>;
  close(): Promise<void>;
};

/** How much memory the engine may have, in bytes, and where what does not fit may lie; nowhere where left out. */
export type AnswererOptions = {
  readonly memoryBytes?: number | undefined;
  readonly folder?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Hears how much of keys and parameters is made. */
  readonly onProgress?: (share: number) => void;
};

/** Retries of a frame on which a thread of the engine failed. */
const ATTEMPTS = 3;

/**
 * Makes keys, encrypts every parameter and prepares an interpreter: protection and deployment of a network, in memory. The keys die with
 * the process. Without encryption (`clear`) there are none.
 *
 * What does not fit into the engine's memory goes to a file in the folder, which has no name and ends with the process.
 *
 * @throws FheError where keys or constants do not fit, or the memory is too small.
 */
export async function openAnswerer(
  compiled: CompiledNetwork,
  kind: EngineKind,
  { memoryBytes, folder, signal, onProgress }: AnswererOptions = {},
): Promise<Answerer> {
  const { program, verified, constants } = compiled;
  if (kind === 'clear') {
    return {
      bundleBytes: null,
      memory: null,
      async answer(picture) {
        // Ctrl-C is noticed when the event loop turns.
        await setImmediate();
        const start = performance.now();
        const slots = runClear(verified, constants, picture);
        return { slots, latencyMs: performance.now() - start };
      },
      close: () => Promise.resolve(),
    };
  }
  const keys = await createOwnerKeys(verified.parameters, program.resultRing);
  const parts = {
    constants: await encryptConstants(verified, keys.secretKey, constants, (share) =>
      onProgress?.(share / 2),
    ),
    publicKey: keys.publicKey,
    evaluationKeys: await makeEvaluationKeys(verified, keys, (share) => onProgress?.((1 + share) / 2)),
  };
  const bundleBytes = Object.values(parts).reduce(
    (sum, bytes) => sum + bytes.length,
    encodeProgram(program).length,
  );
  const material = { program: verified, ...parts };
  const limits = {
    ...(folder !== undefined && { folder }),
    ...(memoryBytes !== undefined && { memoryBytes }),
    ...(signal && { signal }),
  };
  const engine = kind === 'engine' ? await createEngineInterpreter(material, limits) : null;
  const interpreter = engine ?? (await createReferenceInterpreter(material));
  const decryptor = await createDecryptor(verified, keys);
  return {
    bundleBytes,
    memory: engine?.memoryUse ?? null,
    async answer(picture) {
      for (let attempt = 1; ; attempt++) {
        // Failed threads are replaced, and Ctrl-C is noticed, when the event loop turns.
        await setImmediate();
        try {
          const { ciphertext, timings } = interpreter.run(picture);
          const latencyMs = timings.encryptMs + timings.evaluateMs;
          return { slots: decryptor.decrypt(ciphertext), latencyMs };
        } catch (error) {
          const again = error instanceof FheError && error.code === 'FHE_WORKER' && attempt < ATTEMPTS;
          if (!again) throw error;
        }
      }
    },
    async close() {
      decryptor.close();
      await interpreter.close();
    },
  };
}
