import { setImmediate } from 'node:timers/promises';
import { findPrimes, MAX_LOG_QP } from '../../ckks/parameters.ts';
import { EngineContext } from '../evaluator/context.ts';
import { Encryptor, supplyPicture } from '../evaluator/encryptor.ts';
import { Evaluator } from '../evaluator/evaluator.ts';
import type { EngineKey } from '../evaluator/keys.ts';
import type { Arena } from '../memory/arena.ts';
import type { RecordedTape } from '../tape/tape.ts';
import { engineThreads } from '../threads/engine-threads.ts';
import { fitCosts, type Sample } from './fit-costs.ts';
import type { MachineCost, RingChoice } from './operation-cost.ts';
import { addWork, OperationWork, timesWork, type Work } from './operation-work.ts';

const PRIME_BITS = 30;
const PAGE_WORDS = 1024;
/** More levels add no information, and their keys take long to fill. */
const MOST_LEVELS = 14;
/** Weights and keys together exceed the caches, as those of networks do. */
const TERMS = 12;
const KEY_BYTES = 200e6;
/** Rounds until this much time is spent; the median of each operation counts, as it does for frames. */
const PATIENCE_MS = 1500;
const MOST_ROUNDS = 15;
const FEWEST_ROUNDS = 3;

/**
 * Measures the unit costs of the engine on this machine in one ring, with all the threads that it takes by default: a few operations at
 * two levels, as programs use them, in rounds, so that other load on the machine affects all of them alike; then the costs that explain
 * their times best. Speed does not depend on the values, so all are zero.
 */
export class MachineMeasurement {
  readonly #engine: EngineContext;
  readonly #ringDegree: number;
  readonly #operations: readonly Operation[];
  readonly #times: readonly number[][];

  constructor({ ringDegree, alpha }: RingChoice) {
    const most = Math.floor(MAX_LOG_QP[ringDegree]! / PRIME_BITS) - alpha;
    const levels = Math.max(2, Math.min(MOST_LEVELS, most));
    const primes = findPrimes(ringDegree, PRIME_BITS, levels + alpha);
    const parameters = { ringDegree, specialModuli: primes.slice(0, alpha), moduli: primes.slice(alpha) };
    this.#ringDegree = ringDegree;
    this.#engine = new EngineContext(parameters, { threads: engineThreads(), build: 'release' });
    const tested = [...new Set([levels - 1, Math.max(1, Math.floor(levels / 2) - 1)])];
    this.#operations = tested.flatMap((level) => recordOperations(this.#engine, alpha, level));
    this.#times = this.#operations.map(() => []);
    touch(this.#engine.arena);
  }

  /** Runs every operation once: about 50 ms at N = 8192, a second at N = 65536. @param counted false: only to fill caches. */
  async round(signal?: AbortSignal, counted = true): Promise<void> {
    for (const [i, { run }] of this.#operations.entries()) {
      signal?.throwIfAborted();
      const before = performance.now();
      run();
      if (counted) this.#times[i]!.push(performance.now() - before);
      // Failed helper threads are replaced when the event loop turns.
      await setImmediate();
    }
  }

  /** The result of the rounds so far; at least one. */
  cost(): MachineCost {
    const samples = this.#operations.map(({ work }, i): Sample => {
      const sorted = [...this.#times[i]!].sort((a, b) => a - b);
      return { work, milliseconds: sorted[Math.floor(sorted.length / 2)]! };
    });
    return fitCosts(samples, this.#ringDegree);
  }

  close(): Promise<void> {
    return this.#engine.close();
  }
}

/** Measures unit costs at once: takes about two seconds, five at N = 65536. @throws the signal's reason. */
export async function measureMachine(ring: RingChoice, signal?: AbortSignal): Promise<MachineCost> {
  signal?.throwIfAborted();
  const measurement = new MachineMeasurement(ring);
  try {
    await measurement.round(signal, false);
    const start = performance.now();
    const tired = (rounds: number): boolean =>
      rounds >= MOST_ROUNDS || (rounds >= FEWEST_ROUNDS && performance.now() - start > PATIENCE_MS);
    for (let rounds = 0; !tired(rounds); rounds++) await measurement.round(signal);
    return measurement.cost();
  } finally {
    await measurement.close();
  }
}

/**
 * Writes to every page of memory. Untouched pages all map to one page of zeros, which never leaves the cache: keys and weights would
 * seem free (25 hoisted rotations with weights in 5 ms instead of 11).
 */
function touch({ words, usedBytes }: Arena): void {
  for (let at = 0; at < usedBytes / 4; at += PAGE_WORDS) words[at] = words[at]!;
}

type Operation = { readonly work: Work; readonly run: () => void };

/** The operations that programs are made of, at one level. */
function recordOperations(engine: EngineContext, alpha: number, level: number): Operation[] {
  const count = new OperationWork(alpha);
  const { ringDegree } = engine.parameters;
  const limbWords = 2 * count.digits(level) * ringDegree;
  const positions = count.extended(level);
  // Filling keys takes longer than using them, and zeros are as good.
  const key = (): EngineKey => {
    const address = engine.arena.allocate(positions * limbWords * 4);
    return {
      level,
      stride: 32 * count.digits(level),
      at: (position) => address + engine.limbIndex(level, position) * limbWords * 4,
    };
  };
  const terms = Math.max(3, Math.min(TERMS, Math.floor(KEY_BYTES / (positions * limbWords * 4))));
  const steps = Array.from({ length: terms }, (_, i) => i + 1);
  const keys = { relinearization: key(), rotations: new Map(steps.map((step) => [step, key()])) };
  const source = engine.allocate(2, level);
  const weights = steps.map(() => engine.allocate(2, level, true));
  const [out, lower, product] = [2, 2, 3].map((size, i) =>
    engine.allocate(size, i === 1 ? level - 1 : level),
  );
  const rotated = steps.map(() => engine.allocate(2, level));
  const operation = (work: Work, record: (evaluator: Evaluator) => void): Operation => {
    const tape = engine.recorder();
    record(new Evaluator(engine, tape, keys));
    const recorded: RecordedTape = tape.finish();
    return { work, run: () => engine.pool.run(recorded) };
  };
  const turned = steps.map((step, i) => ({ source, step, weight: weights[i]! }));
  return [
    operation(count.relinearizeRescale(level), (e) => e.relinearize(lower!, product!)),
    operation(count.rescale(level), (e) => e.rescale(lower!, out!)),
    operation(count.foldRound(level, 3), (e) => e.foldRound(out!, source, [1, 2, 3])),
    operation(count.rotations(level, 1), (e) => e.rotate(out!, source, 1)),
    operation(count.rotations(level, terms), (e) => e.rotateHoisted(rotated, source, steps)),
    operation(addWork(count.rotatedSum(level, terms, terms, 1), count.relinearizeTimesP(level, true)), (e) =>
      e.rotateInner(lower!, turned),
    ),
    operation(count.inner(level, terms), (e) =>
      e.inner(
        product!,
        weights.map((weight, i) => ({ source: rotated[i]!, weight: { ...weight, special: false } })),
      ),
    ),
    operation(count.elementwise(level), (e) => e.add(out!, source, rotated[0]!)),
    operation(timesWork(count.elementwise(0), 8), (e) => {
      const low = { ...source, level: 0 };
      for (let i = 0; i < 8; i++) e.add({ ...out!, level: 0 }, low, low);
    }),
    encryption(engine, count, level),
  ];
}

/** Encryption of several ciphertexts at once, as of a picture in patches. */
function encryption(engine: EngineContext, count: OperationWork, level: number): Operation {
  const { ringDegree, moduli, specialModuli } = engine.parameters;
  const ciphertexts = 4;
  const residues = new Uint32Array(2 * (moduli.length + specialModuli.length) * ringDegree);
  const encryptor = new Encryptor(engine, { residues });
  const tape = engine.recorder();
  const slots = new Int32Array(ringDegree / 2);
  const inputs = Array.from({ length: ciphertexts }, () => ({ level, scale: 2 ** 30, slots }));
  const place = encryptor.record(
    tape,
    inputs,
    inputs.map(() => engine.allocate(2, level)),
    1,
  );
  const recorded = tape.finish();
  const picture = new Float32Array(1);
  return {
    work: timesWork(count.encrypt(level), ciphertexts),
    run: () => {
      supplyPicture(engine.arena.memory, place, picture);
      engine.pool.run(recorded);
    },
  };
}
