// Loaded before a process of a simulated week (`--import`), in all of its threads: the clock that daemons are given goes faster.
import { systemClock } from '#runtime/clock.ts';
import { readPace } from './pace.ts';

/** Whoever sleeps shorter sleeps so long: a loop of 50 ms would otherwise keep the processor for itself. */
const LEAST_SLEEP_MS = 25;

const { factor, realMs, simulatedMs } = readPace();
const sleep = systemClock.sleep.bind(systemClock);
const realNow = Date.now.bind(Date);
Object.assign(systemClock, {
  now: () => Math.round(simulatedMs + (realNow() - realMs) * factor),
  monotonic: () => performance.now() * factor,
  sleep: (ms: number, signal?: AbortSignal) => sleep(Math.max(ms / factor, LEAST_SLEEP_MS), signal),
});
