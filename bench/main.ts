import { availableParallelism } from 'node:os';
import { benchFrame } from './frames.ts';
import { currentCommit, describeMachine } from './machine.ts';
import { FULL, QUICK } from './measure.ts';
import { ARCHITECTURES, compileArchitecture } from './networks.ts';
import { benchOperations } from './operations.ts';
import type { BenchReport, FrameResult, OperationResult } from './report.ts';

export type BenchOptions = {
  /** A few rounds only: the numbers scatter. */
  readonly quick?: boolean;
  /** Called with what is measured next and the share that is done, 0 to 1. */
  readonly onProgress?: (text: string, share: number) => void;
  readonly signal?: AbortSignal;
};

const RINGS = [
  { ringDegree: 8192, limbs: 6 },
  { ringDegree: 16384, limbs: 10 },
] as const;

/**
 * Runs engine and node-seal side by side in this process. Blocks the event loop for up to seconds at a time.
 *
 * @throws the signal's reason if it is aborted.
 */
export async function runBench({ quick = false, onProgress, signal }: BenchOptions): Promise<BenchReport> {
  const effort = quick ? QUICK : FULL;
  const threadCounts = availableParallelism() > 1 ? [1, 2] : [1];
  const parts = RINGS.length * threadCounts.length + ARCHITECTURES.length;
  let part = 0;
  const say = (text: string): void => onProgress?.(text, part++ / parts);
  const operations: OperationResult[] = [];
  for (const { ringDegree, limbs } of RINGS) {
    for (const threads of threadCounts) {
      say(`operations at N = ${ringDegree}, ${limbs} primes, ${threads} thread${threads > 1 ? 's' : ''}`);
      operations.push(...(await benchOperations(ringDegree, limbs, threads, effort, signal)));
    }
  }
  const frames: FrameResult[] = [];
  for (const architecture of ARCHITECTURES) {
    say(`frames of ${architecture.name}`);
    frames.push(
      ...(await benchFrame(architecture, compileArchitecture(architecture), threadCounts, effort, signal)),
    );
  }
  return { machine: describeMachine(), commit: await currentCommit(), operations, frames };
}
