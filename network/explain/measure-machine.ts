import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { availableParallelism, cpus, homedir } from 'node:os';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import { type Block, EngineContext } from '#fhe/ckks/engine-context.ts';
import { loadKey } from '#fhe/ckks/engine-keys.ts';
import { digitCount } from '#fhe/ckks/evaluation-keys.ts';
import { Evaluator } from '#fhe/ckks/evaluator.ts';
import { findPrimes } from '#fhe/ckks/parameters.ts';
import type { MachineCost } from '../packing/general/operation-cost.ts';

const Stored = z.strictObject({
  identity: z.string(),
  transformNs: z.number().positive(),
  keyProductNs: z.number().positive(),
  productNs: z.number().positive(),
});

/** Threads that the engine takes by default. */
function engineThreads(): number {
  return Math.min(availableParallelism(), 4);
}

/** Changes when the machine, its threads or the way of measuring do. */
export function machineIdentity(): string {
  const text = [3, cpus()[0]?.model ?? '', process.arch, engineThreads(), process.version].join('|');
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** The file that the measurement is kept in: `$XDG_CACHE_HOME/blindsight`, or that of the user's home. */
export function machineCacheFile(): string {
  const base = process.env.XDG_CACHE_HOME ?? path.join(homedir(), '.cache');
  return path.join(base, 'blindsight', 'machine.json');
}

/** The measurement of this machine that is kept, if there is one. */
export async function readMachine(): Promise<MachineCost | null> {
  try {
    const { identity, ...cost } = Stored.parse(JSON.parse(await readFile(machineCacheFile(), 'utf8')));
    return identity === machineIdentity() ? cost : null;
  } catch {
    return null;
  }
}

const RING_DEGREE = 16384;
const LEVELS = 8;
const TERMS = 16;
const KEYS = 4;
/** What each further thread of the engine adds, against the first. */
const PARALLEL_EFFICIENCY = 0.85;
const ROUNDS = 12;

/**
 * Measures the three unit costs of the engine on this machine, in about a second: transforms there and back, one inner product with many
 * weights, and hoisted rotations with the same number of weights. Speed does not depend on the numbers, so all are zero. Processor time of one thread is
 * measured, not the clock, so that a busy machine does not look like a slow one.
 */
export async function measureMachine(signal?: AbortSignal): Promise<MachineCost> {
  const primes = findPrimes(RING_DEGREE, 30, LEVELS + 1);
  const parameters = { ringDegree: RING_DEGREE, specialModuli: primes.slice(0, 1), moduli: primes.slice(1) };
  const level = LEVELS - 1;
  const engine = new EngineContext(parameters, { threads: 1, build: 'release' });
  try {
    const words = digitCount(parameters, level) * (level + 2) * RING_DEGREE;
    const key = () => loadKey(engine, { level, b: new Uint32Array(words), seed: new Uint8Array(32) });
    // Expanding a key takes longer than using it; four of them are more than caches hold.
    const keys = Array.from({ length: KEYS }, key);
    const rotations = new Map(Array.from({ length: TERMS }, (_, i) => [i + 1, keys[i % KEYS]!]));
    const source = engine.allocate(2, level);
    const weights = Array.from({ length: TERMS }, () => engine.allocate(2, level, true));
    const fastest = async (record: (evaluator: Evaluator) => void): Promise<number> => {
      const tape = engine.recorder();
      record(new Evaluator(engine, tape, { relinearization: null, rotations }));
      const recorded = tape.finish();
      const times: number[] = [];
      for (let round = -1; round < ROUNDS; round++) {
        signal?.throwIfAborted();
        const before = process.cpuUsage();
        engine.pool.run(recorded);
        const { user, system } = process.cpuUsage(before);
        if (round >= 0) times.push((user + system) / 1000);
        await setImmediate();
      }
      // Whatever else the machine does can only slow a round down.
      return Math.min(...times);
    };
    const out = (size: number): Block => engine.allocate(size, level);
    const back = engine.allocate(2, level);
    const there = await fastest((evaluator) => {
      for (let i = 0; i < TERMS; i++) evaluator.transformThereAndBack(back, source);
    });
    const sum = out(3);
    const inner = await fastest((evaluator) =>
      evaluator.inner(
        sum,
        weights.map((weight) => ({ source, weight })),
      ),
    );
    const rotated = await fastest((evaluator) =>
      evaluator.rotateInner(
        sum,
        weights.map((weight, i) => ({ source, step: i + 1, weight })),
      ),
    );
    const limbs = level + 1;
    const threads = 1 + (engineThreads() - 1) * PARALLEL_EFFICIENCY;
    const perCoefficient = (ms: number): number => (ms * 1e6) / RING_DEGREE / threads;
    const transformNs = perCoefficient(there) / (TERMS * 2 * 2 * limbs * Math.log2(RING_DEGREE));
    const productNs = perCoefficient(inner) / (TERMS * 4 * limbs);
    const transforms = digitCount(parameters, level) * (limbs + 1) + 3 * (limbs + 1);
    const rest =
      perCoefficient(rotated) -
      transforms * transformNs * Math.log2(RING_DEGREE) -
      TERMS * 4 * (limbs + 1) * productNs;
    const keyProductNs = Math.max(
      productNs / 4,
      rest / (TERMS * 2 * digitCount(parameters, level) * (limbs + 1)),
    );
    return { transformNs, keyProductNs, productNs };
  } finally {
    await engine.close();
  }
}
