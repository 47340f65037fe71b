/** Main loop of a thread of the pool: joins every open run, sleeps in between. */
import { workerData } from 'node:worker_threads';
import { Control } from './control.ts';
import { instantiateKernel } from './kernel-module.ts';

/** Handed over by the pool. */
export type ThreadData = {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly control: number;
};

const { module, memory, control } = workerData as ThreadData;
const kernel = instantiateKernel(module, memory);
const words = new Int32Array(memory.buffer, control, Control.words);

Atomics.add(words, Control.ready, 1);
let seen = 0;
while (Atomics.load(words, Control.shutdown) === 0) {
  const generation = Atomics.load(words, Control.generation);
  if (generation === seen) {
    Atomics.wait(words, Control.generation, generation);
    continue;
  }
  seen = generation;
  // Count first, then check: the pool closes first and then counts, so that one of the two sees the other.
  const others = Atomics.add(words, Control.active, 1);
  try {
    if (others < Atomics.load(words, Control.open)) {
      kernel.run(
        control,
        Atomics.load(words, Control.tape) >>> 0,
        Atomics.load(words, Control.count),
        Atomics.load(words, Control.patienceMs),
      );
    }
  } catch (error) {
    Atomics.store(words, Control.failed, 1);
    throw error;
  } finally {
    Atomics.sub(words, Control.active, 1);
    Atomics.notify(words, Control.active);
  }
}
