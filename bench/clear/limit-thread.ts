import { parentPort, workerData } from 'node:worker_threads';
import { KernelRates } from '#fhe/design';
import { MemoryReader } from './memory-reader.ts';

/** What a thread gets; `arrived` counts the threads that are ready for the next measurement. */
export type LimitThreadData = {
  readonly reader: WebAssembly.Module;
  readonly bytes: number;
  readonly milliseconds: number;
  readonly threads: number;
  readonly arrived: Int32Array;
};

/** Rates of one thread while all others do the same, a second. */
export type ThreadRates = { readonly bytes: number; readonly products: number; readonly butterflies: number };

const { reader, bytes, milliseconds, threads, arrived } = workerData as LimitThreadData;
const memory = new MemoryReader(reader, bytes);
const kernel = new KernelRates();
let phases = 0;

/** Waits until every thread has come as far as this one. */
function meet(): void {
  phases++;
  Atomics.add(arrived, 0, 1);
  Atomics.notify(arrived, 0);
  for (let seen = Atomics.load(arrived, 0); seen < phases * threads; seen = Atomics.load(arrived, 0))
    Atomics.wait(arrived, 0, seen);
}

function together(measure: () => number): number {
  meet();
  return measure();
}

const rates: ThreadRates = {
  bytes: together(() => memory.rate(milliseconds)),
  products: together(() => kernel.products(milliseconds)),
  butterflies: together(() => kernel.butterflies(milliseconds)),
};
await kernel.close();
parentPort!.postMessage(rates);
