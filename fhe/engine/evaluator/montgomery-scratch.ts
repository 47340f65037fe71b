import type { Address } from '../memory/arena.ts';
import type { RecordedTape } from '../tape/tape.ts';
import type { Block, EngineContext } from './context.ts';

/** Brings pairs of limbs into Montgomery form, one prime at a time: two limbs of memory, whatever the size of what is loaded. */
export class MontgomeryScratch {
  readonly #engine: EngineContext;
  readonly #block: Block;
  /** By position. */
  readonly #tapes: readonly RecordedTape[];

  constructor(engine: EngineContext) {
    this.#engine = engine;
    this.#block = engine.allocate(2, 0);
    this.#tapes = engine.primes.map((_, position) => {
      const tape = engine.recorder();
      engine.scaleToMontgomery(tape, engine.limb(this.#block, 0, 0), position);
      engine.scaleToMontgomery(tape, engine.limb(this.#block, 1, 0), position);
      return tape.finish();
    });
  }

  /** @returns where both limbs are until the next call, `limbBytes` apart */
  convert(position: number, first: Uint32Array, second: Uint32Array): Address {
    const { arena, pool } = this.#engine;
    arena.words.set(first, this.#engine.limb(this.#block, 0, 0) / 4);
    arena.words.set(second, this.#engine.limb(this.#block, 1, 0) / 4);
    pool.run(this.#tapes[position]!, 1);
    return this.#block.address;
  }
}
