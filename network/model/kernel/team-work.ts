import { JOBS, type Job, TeamWords } from './team-words.ts';

/** What the kernel does in parts. */
export type JobKernel = Readonly<Record<Job, (args: number, part: number) => void>>;

/**
 * Does parts of the current job until all are taken. A ticket that was taken belongs to a job that cannot end before it is done: its words are read
 * after that.
 */
export function workOnJob(words: Int32Array, kernel: JobKernel): void {
  for (;;) {
    const ticket = Atomics.load(words, TeamWords.next);
    if (ticket >= Atomics.load(words, TeamWords.end)) return;
    if (Atomics.compareExchange(words, TeamWords.next, ticket, ticket + 1) !== ticket) continue;
    const job = JOBS[Atomics.load(words, TeamWords.job)]!;
    kernel[job](Atomics.load(words, TeamWords.args), ticket - Atomics.load(words, TeamWords.first));
    Atomics.add(words, TeamWords.done, 1);
    Atomics.notify(words, TeamWords.done);
  }
}
