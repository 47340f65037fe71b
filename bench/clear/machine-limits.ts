import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { engineThreads } from '#fhe/design';
import type { LimitThreadData, ThreadRates } from './limit-thread.ts';

/** What this machine can do at most, all threads of the engine together; a second. */
export type MachineLimits = {
  readonly threads: number;
  /** Bytes read from memory, one after the other. */
  readonly bytes: number;
  /** Products of residues that are added up, as the kernel does it, from the first cache. */
  readonly products: number;
  /** Butterflies of transforms, from the caches of a core. */
  readonly butterflies: number;
};

/** Of each thread: more than any cache. */
const READ_BYTES = 256 * 2 ** 20;
const MILLISECONDS = 250;

/** Measures, on as many threads as the engine takes, side by side: memory that is read, then products, then butterflies. Takes about a second. @param reader of `compileReader` */
export async function measureLimits(reader: WebAssembly.Module): Promise<MachineLimits> {
  const threads = engineThreads();
  const data: LimitThreadData = {
    ...{ reader, bytes: READ_BYTES, milliseconds: MILLISECONDS, threads },
    arrived: new Int32Array(new SharedArrayBuffer(4)),
  };
  const rates = await Promise.all(
    Array.from({ length: threads }, async () => {
      const worker = new Worker(new URL('./limit-thread.ts', import.meta.url), { workerData: data });
      const [found] = (await once(worker, 'message')) as [ThreadRates];
      await worker.terminate();
      return found;
    }),
  );
  const sum = (kind: keyof ThreadRates): number => rates.reduce((total, each) => total + each[kind], 0);
  return { threads, bytes: sum('bytes'), products: sum('products'), butterflies: sum('butterflies') };
}

/** The best of two measurements: what was possible once is possible. */
export function betterLimits(one: MachineLimits, other: MachineLimits): MachineLimits {
  return {
    threads: one.threads,
    bytes: Math.max(one.bytes, other.bytes),
    products: Math.max(one.products, other.products),
    butterflies: Math.max(one.butterflies, other.butterflies),
  };
}
