import type { MainModule } from 'node-seal/throws';
import { FheError } from '../errors.ts';

/** One instance of Microsoft SEAL in WebAssembly, with a heap of its own. */
export type Seal = MainModule;

/**
 * Starts an instance of SEAL. The heap of an instance never shrinks, so whoever needs much memory briefly takes a separate instance and drops it.
 *
 * We take the build that *throws* on transparent ciphertexts (second polynomial zero: the message is in the clear). No honest program
 * makes one, so this guards against our own mistakes at no cost.
 *
 * The library is loaded here and not at the top, so that importing something else from fhe/ does not load it.
 */
export async function loadSeal(): Promise<Seal> {
  const { default: initialize } = await import('node-seal/throws');
  return initialize();
}

/**
 * Runs `action` and turns whatever SEAL throws (C++ exceptions arrive as `WebAssembly.Exception`, which is no Error) into an FheError.
 *
 * @throws FheError FHE_FORMAT with the name of the action; FHE_WORKER where the instance was aborted or its heap is full: it is of no more use.
 */
export function guardSeal<T>(what: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    if (cause instanceof FheError) throw cause;
    const reason = String((cause as { message?: unknown } | null)?.message ?? cause);
    if (cause instanceof WebAssembly.RuntimeError || reason.includes('bad_alloc'))
      throw new FheError('FHE_WORKER', `SEAL could not ${what}, and has to be started again: ${reason}`, {
        cause,
      });
    throw new FheError('FHE_FORMAT', `SEAL refused to ${what}: ${reason}`, { cause });
  }
}

/** An object in SEAL's heap, which must be deleted. */
export type SealObject = { delete(): void };

/**
 * Collects objects in SEAL's heap and deletes them in reverse order: `using scope = new SealScope()`.
 */
export class SealScope implements Disposable {
  readonly #objects: SealObject[] = [];

  /** Takes ownership. */
  own<T extends SealObject>(object: T): T {
    this.#objects.push(object);
    return object;
  }

  [Symbol.dispose](): void {
    for (const object of this.#objects.reverse()) object.delete();
    this.#objects.length = 0;
  }
}
