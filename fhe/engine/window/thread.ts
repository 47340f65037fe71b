/** Main loop of a reader: fills the window of a lane, run after run, as far ahead as it has room. */
import { readSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { crc32 } from 'node:zlib';
import { Control } from '../threads/control.ts';
import { writeReport } from './report.ts';
import type { WindowPlan } from './window.ts';
import { aheadOf, WindowControl } from './window-control.ts';

/** Handed over by {@link WindowReader}. */
export type ReaderData = {
  readonly memory: WebAssembly.Memory;
  readonly plan: WindowPlan;
  readonly file: number;
  /** CRC-32 of each part. */
  readonly checksums: Uint32Array;
  /** Control block of the threads that run the tape. */
  readonly pool: number;
  readonly report: SharedArrayBuffer;
  /** Milliseconds spent on reading and bytes read, over all runs. */
  readonly spent: Float64Array;
};

/** Longest nap while the window is full: at 2 GB/s as much as 2 MB. */
const NAP_MS = 1;
/** Between two looks at whether a run waits for a reader that gave up. */
const GIVEN_UP_MS = 20;
/** Of one read: the reader looks around in between. */
const MOST_BYTES = 2 ** 24;

const { memory, plan, file, checksums, pool, report, spent } = workerData as ReaderData;
const words = new Int32Array(memory.buffer, plan.control, WindowControl.words);
const poolWords = new Int32Array(memory.buffer, pool, Control.words);
const bytes = new Uint8Array(memory.buffer);
const counters = new Int32Array(memory.buffer);

const load = (word: number): number => Atomics.load(words, word);
const isOver = (run: number): boolean =>
  load(WindowControl.shutdown) !== 0 || load(WindowControl.ended) >= run;

function isUsed(chunk: number, run: number): boolean {
  const { counter, uses } = plan.chunks[chunk]!;
  // Counters are those of the run before until the next one has begun.
  return load(WindowControl.begun) >= run && Atomics.load(counters, counter / 4) >= uses;
}

/** @returns false where the run ended meanwhile */
function awaitRoom(run: number, from: number, until: number): boolean {
  for (let chunk = from; chunk <= until; chunk++) {
    while (!isUsed(chunk, run)) {
      if (isOver(run)) return false;
      const begun = load(WindowControl.begun);
      if (begun < run) Atomics.wait(words, WindowControl.begun, begun);
      else Atomics.wait(words, WindowControl.shutdown, 0, NAP_MS);
    }
  }
  return true;
}

/** Reads the parts of a chunk, neighbours in the file at once, and checks each. */
function fill({ address, parts }: WindowPlan['chunks'][number]): void {
  let to = address;
  for (let first = 0; first < parts.length; ) {
    const start = plan.parts[parts[first]!]!.offset;
    let end = first;
    let length = 0;
    while (end < parts.length && plan.parts[parts[end]!]!.offset === start + length) {
      length += plan.parts[parts[end++]!]!.bytes;
    }
    for (let done = 0; done < length; ) {
      const most = Math.min(MOST_BYTES, length - done);
      const read = readSync(file, bytes, to + done, most, start + done);
      if (read === 0) throw new Error(`it ends at byte ${start + done}, expected ${plan.fileBytes} bytes`);
      done += read;
    }
    for (; first < end; first++) {
      const part = plan.parts[parts[first]!]!;
      if (crc32(bytes.subarray(to, to + part.bytes)) !== checksums[parts[first]!]) {
        throw new Error(`${part.bytes} bytes at ${part.offset} are not those that were written`);
      }
      to += part.bytes;
    }
  }
}

function publish(run: number, chunk: number): void {
  Atomics.store(words, WindowControl.ahead, aheadOf(run, chunk + 1));
  if (load(WindowControl.begun) < run) return;
  // The run counts what was read ahead when it begins; only then are chunks added one by one. One that has ended meanwhile is at 0 again.
  while (load(WindowControl.opened) < run && !isOver(run))
    Atomics.wait(words, WindowControl.shutdown, 0, NAP_MS);
  Atomics.compareExchange(words, WindowControl.filled, chunk, chunk + 1);
  Atomics.notify(words, WindowControl.filled);
}

function readRun(run: number): void {
  let used = 0;
  for (const [index, chunk] of plan.chunks.entries()) {
    if (!awaitRoom(run, used, chunk.after) || isOver(run)) return;
    used = Math.max(used, chunk.after + 1);
    const start = performance.now();
    fill(chunk);
    spent[0]! += performance.now() - start;
    spent[1]! += chunk.parts.reduce((sum, part) => sum + plan.parts[part]!.bytes, 0);
    publish(run, index);
  }
}

try {
  for (let run = 1; load(WindowControl.shutdown) === 0; run++) {
    for (let ended = load(WindowControl.ended); ended < run - 1; ended = load(WindowControl.ended)) {
      if (load(WindowControl.shutdown) !== 0) break;
      Atomics.wait(words, WindowControl.ended, ended);
    }
    readRun(run);
  }
} catch (error) {
  writeReport(report, error instanceof Error ? error.message : String(error));
  Atomics.store(words, WindowControl.failed, 1);
  // Again and again, because a run that has just begun clears the mark.
  while (load(WindowControl.shutdown) === 0) {
    if (load(WindowControl.ended) < load(WindowControl.begun)) Atomics.store(poolWords, Control.failed, 1);
    Atomics.wait(words, WindowControl.shutdown, 0, GIVEN_UP_MS);
  }
}
