import { findPrimes } from '../../ckks/parameters.ts';
import { EngineContext } from '../evaluator/context.ts';
import { placeRange } from '../memory/place-range.ts';
import { Op, type RecordedTape } from '../tape/tape.ts';

/** Limbs of 16 KiB: what a task reads and writes stays in the caches of its core. */
const RING_DEGREE = 4096;
/** Terms of a sum, all of them the same, so that a tile of them is read once and then is in the first cache. */
const TERMS = 64;
const TRANSFORMS = 64;

/** How fast the kernel calculates on one thread where it never waits for memory. */
export class KernelRates {
  readonly #engine: EngineContext;
  readonly #sums: RecordedTape;
  readonly #transforms: RecordedTape;

  constructor() {
    const [prime] = findPrimes(RING_DEGREE, 30, 1);
    const parameters = { ringDegree: RING_DEGREE, moduli: [prime!], specialModuli: [] };
    this.#engine = new EngineContext(parameters, { threads: 1, build: 'release' });
    this.#sums = recordSum(this.#engine);
    this.#transforms = recordTransforms(this.#engine);
  }

  /** Products of residues that are added up, a second. @param milliseconds to measure for */
  products(milliseconds: number): number {
    return this.#rate(this.#sums, 4 * TERMS * RING_DEGREE, milliseconds);
  }

  /** Butterflies of transforms, a second. */
  butterflies(milliseconds: number): number {
    const each = (RING_DEGREE / 2) * Math.log2(RING_DEGREE);
    return this.#rate(this.#transforms, TRANSFORMS * each, milliseconds);
  }

  #rate(tape: RecordedTape, work: number, milliseconds: number): number {
    this.#engine.pool.run(tape);
    const start = performance.now();
    let passed = 0;
    let runs = 0;
    for (; passed < milliseconds; runs++) {
      this.#engine.pool.run(tape);
      passed = performance.now() - start;
    }
    return (1000 * runs * work) / passed;
  }

  close(): Promise<void> {
    return this.#engine.close();
  }
}

/** A sum of products of a ciphertext with a weight. */
function recordSum(engine: EngineContext): RecordedTape {
  const tape = engine.recorder();
  const source = engine.allocate(2, 0);
  const weight = engine.allocate(2, 0);
  const out = engine.allocate(3, 0);
  const term = [source.address, engine.distance(source), weight.address, engine.distance(weight)];
  const terms = engine.arena.place(Array.from({ length: TERMS }, () => term).flat());
  const to = [0, 1, 2].map((component) => engine.limb(out, component, 0));
  const range = placeRange(engine.arena, 0, engine.residueBytes);
  tape.task(Op.tensor, [...to, terms, TERMS, 0, engine.prime(0), 0, range]);
  return tape.finish();
}

/** A limb transformed again and again. */
function recordTransforms(engine: EngineContext): RecordedTape {
  const tape = engine.recorder();
  const at = engine.limb(engine.allocate(1, 0), 0, 0);
  for (let i = 0; i < TRANSFORMS; i++) tape.task(Op.forward, [at, at, 0, engine.prime(0)]);
  return tape.finish();
}
