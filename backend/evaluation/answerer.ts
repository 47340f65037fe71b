import { setImmediate } from 'node:timers/promises';
import { createEngineInterpreter, createReferenceInterpreter, encodeProgram, FheError } from '#fhe';
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
  /**
   * @param picture values in [0, 1], channel first.
   * @returns all slots of the answer, and the time of the gateway's part (encryption and evaluation).
   */
  answer(picture: Float32Array): Promise<{ readonly slots: Float64Array; readonly latencyMs: number }>;
  close(): Promise<void>;
};

/** Retries of a frame on which a thread of the engine failed. */
const ATTEMPTS = 3;

/**
 * Makes keys, encrypts every parameter and prepares an interpreter: protection and deployment of a network, in memory. The keys die with
 * the process. Without encryption (`clear`) there are none.
 *
 * @throws FheError where keys or constants do not fit.
 */
export async function openAnswerer(compiled: CompiledNetwork, kind: EngineKind): Promise<Answerer> {
  const { program, verified, constants } = compiled;
  if (kind === 'clear') {
    return {
      bundleBytes: null,
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
    constants: await encryptConstants(verified, keys.secretKey, constants),
    publicKey: keys.publicKey,
    evaluationKeys: await makeEvaluationKeys(verified, keys),
  };
  const bundleBytes = Object.values(parts).reduce(
    (sum, bytes) => sum + bytes.length,
    encodeProgram(program).length,
  );
  const create = kind === 'engine' ? createEngineInterpreter : createReferenceInterpreter;
  const interpreter = await create({ program: verified, ...parts });
  const decryptor = await createDecryptor(verified, keys);
  return {
    bundleBytes,
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
