import { setImmediate } from 'node:timers/promises';
import { Encryptor } from '#fhe/ckks/encryptor.ts';
import { EngineContext } from '#fhe/ckks/engine-context.ts';
import type { EngineKey } from '#fhe/ckks/engine-keys.ts';
import { Evaluator } from '#fhe/ckks/evaluator.ts';
import { findPrimes, MAX_LOG_QP } from '#fhe/ckks/parameters.ts';
import type { RecordedTape } from '#fhe/ring/wasm-tape.ts';
import type { MachineCost, RingChoice } from '../packing/general/operation-cost.ts';
import { addWork, OperationWork, timesWork, type Work } from '../packing/general/operation-work.ts';
import { fitCosts } from './fit-costs.ts';
import { engineThreads } from './machine-record.ts';

/** What one operation took, and what it consists of. */
export type Sample = { readonly work: Work; readonly milliseconds: number };

const PRIME_BITS = 30;
/** More levels say nothing new about one, and their keys take long to fill. */
const MOST_LEVELS = 14;
/** Weights and keys together are more than caches hold, as those of networks are. */
const TERMS = 12;
const KEY_BYTES = 200e6;
/** All operations are run in turn until this much time is spent; the median of each counts, as it does for frames. */
const PATIENCE_MS = 1500;
const MOST_ROUNDS = 15;
const FEWEST_ROUNDS = 3;

/**
 * Measures the unit costs of the engine on this machine in one ring, with all the threads that it takes by default: a few operations at two levels, as
 * programs use them, and the costs that explain their times best. Speed does not depend on the numbers, so all are zero. Takes about
 * a second, five at N = 65536.
 */
export async function measureMachine(
  { ringDegree, alpha }: RingChoice,
  signal?: AbortSignal,
): Promise<MachineCost> {
  const most = Math.floor(MAX_LOG_QP[ringDegree]! / PRIME_BITS) - alpha;
  const levels = Math.max(2, Math.min(MOST_LEVELS, most));
  const primes = findPrimes(ringDegree, PRIME_BITS, levels + alpha);
  const parameters = { ringDegree, specialModuli: primes.slice(0, alpha), moduli: primes.slice(alpha) };
  signal?.throwIfAborted();
  const engine = new EngineContext(parameters, { threads: engineThreads(), build: 'release' });
  try {
    const tested = [...new Set([levels - 1, Math.max(1, Math.floor(levels / 2) - 1)])];
    const operations = tested.flatMap((level) => recordOperations(engine, alpha, level));
    return fitCosts(await timeInTurn(operations, signal), ringDegree);
  } finally {
    await engine.close();
  }
}

/** Runs operations in turn, so that whatever else the machine does meets all of them alike. */
async function timeInTurn(operations: readonly Operation[], signal?: AbortSignal): Promise<Sample[]> {
  const times = operations.map((): number[] => []);
  const start = performance.now();
  const tired = (round: number): boolean =>
    round >= MOST_ROUNDS || (round >= FEWEST_ROUNDS && performance.now() - start > PATIENCE_MS);
  for (let round = -1; !tired(round); round++) {
    for (const [i, { run }] of operations.entries()) {
      signal?.throwIfAborted();
      const before = performance.now();
      run();
      if (round >= 0) times[i]!.push(performance.now() - before);
      // Helper threads that failed are replaced when the event loop turns.
      await setImmediate();
    }
  }
  return operations.map(({ work }, i) => {
    const sorted = times[i]!.sort((a, b) => a - b);
    return { work, milliseconds: sorted[Math.floor(sorted.length / 2)]! };
  });
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
  encryptor.record(
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
      encryptor.supply(picture);
      engine.pool.run(recorded);
    },
  };
}
