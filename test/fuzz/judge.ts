import { getHeapStatistics } from 'node:v8';
import type { Target } from './target.ts';

/** What came of one input: null where all is as it should be. */
export type Verdict = { readonly kind: 'error' | 'slow' | 'large'; readonly message: string } | null;

/** Time that one input may take. */
const MAX_MS = 1_000;
/** Memory that one input may take: so much, and so many times its own length. */
const MAX_MEMORY = { bytes: 64 * 2 ** 20, times: 256 } as const;

function judgeError(error: unknown, target: Target): Verdict {
  const code = error instanceof Error && 'code' in error ? String(error.code) : null;
  if (code !== null && target.refusals.includes(code)) return null;
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { kind: 'error', message: code === null ? text : `${code}: ${text}` };
}

function memory(): number {
  const { used_heap_size: heap, external_memory: external } = getHeapStatistics();
  return heap + external;
}

/** Lets the target have an input, once. */
async function attempt(target: Target, input: Uint8Array): Promise<Verdict> {
  const before = memory();
  try {
    const answer = target.run(input);
    if (typeof answer !== 'boolean') await answer;
  } catch (error) {
    const verdict = judgeError(error, target);
    if (verdict !== null) return verdict;
  }
  const bytes = memory() - before;
  if (bytes <= MAX_MEMORY.bytes + MAX_MEMORY.times * input.length) return null;
  return { kind: 'large', message: `${input.length} bytes take ${Math.round(bytes / 2 ** 20)} MB of memory` };
}

/**
 * Parses one input and judges what came of it: a refusal that is documented, within bounds of time and memory, or a value of which everything holds.
 * What takes long on the clock is tried again on the processor's, so that other programs on the machine do not count.
 */
export async function judge(target: Target, input: Uint8Array): Promise<Verdict> {
  const { maxMs = MAX_MS } = target;
  const start = performance.now();
  const first = await attempt(target, input);
  if (first !== null || performance.now() - start <= maxMs) return first;
  const used = process.cpuUsage();
  const second = await attempt(target, input);
  const { user, system } = process.cpuUsage(used);
  const ms = Math.round((user + system) / 1_000);
  if (second !== null || ms <= maxMs) return second;
  return { kind: 'slow', message: `${input.length} bytes take ${ms} ms, at most ${maxMs} are allowed` };
}
