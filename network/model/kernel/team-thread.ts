/** Main loop of a thread of a team: joins every job, sleeps in between, and ends when there has been none for a while. */
import { workerData } from 'node:worker_threads';
import { TeamWords } from './team-words.ts';
import { type JobKernel, workOnJob } from './team-work.ts';

/** Handed over by the team. */
export type TeamThreadData = {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  /** Place of the words. */
  readonly at: number;
};

/** Whoever trains does so without such pauses. */
const IDLE_MS = 5_000;

const { module, memory, at } = workerData as TeamThreadData;
const abort = (): never => {
  throw new Error('the matrix kernel stopped');
};
const { exports } = new WebAssembly.Instance(module, { env: { memory, abort } });
const words = new Int32Array(memory.buffer, at, TeamWords.words);
while (Atomics.load(words, TeamWords.over) === 0) {
  const generation = Atomics.load(words, TeamWords.generation);
  workOnJob(words, exports as unknown as JobKernel);
  if (Atomics.wait(words, TeamWords.generation, generation, IDLE_MS) === 'timed-out') break;
}
Atomics.add(words, TeamWords.ended, 1);
