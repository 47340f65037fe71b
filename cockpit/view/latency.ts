import type { Result } from '#protocol/messages.ts';
import { EN, type Words } from '../words/en.ts';

export type LatencyPart = {
  readonly key: 'prepare' | 'encrypt' | 'evaluate' | 'transport' | 'decrypt' | 'waiting';
  /** What an operator would call it. */
  readonly name: string;
  readonly durationMs: number;
  /** Fraction of the total, 0 to 1; all parts sum to 1 unless the total is 0. */
  readonly share: number;
};

export type LatencySplit = { readonly totalMs: number; readonly parts: readonly LatencyPart[] };

const MEASURED = ['prepare', 'encrypt', 'evaluate', 'transport', 'decrypt'] as const;
/** A remainder below this is rounding, not waiting. */
const ROUNDING_SHARE = 0.01;

/**
 * How the time from frame to answer was spent. Whatever the total has beyond the measured parts was spent waiting (for a
 * free thread, in the outbox) and is shown as its own part, so that the bar never hides time.
 */
export function latencySplit(
  latencyMs: Result['latencyMs'],
  { latencyParts }: Pick<Words, 'latencyParts'> = EN,
): LatencySplit {
  const measuredMs = MEASURED.reduce((sum, key) => sum + latencyMs[key], 0);
  const totalMs = Math.max(latencyMs.total, measuredMs);
  const waitingMs = totalMs - measuredMs;
  const share = (durationMs: number) => (totalMs > 0 ? durationMs / totalMs : 0);
  const parts: LatencyPart[] = MEASURED.map((key) => ({
    key,
    name: latencyParts[key],
    durationMs: latencyMs[key],
    share: share(latencyMs[key]),
  }));
  if (share(waitingMs) > ROUNDING_SHARE) {
    parts.push({
      key: 'waiting',
      name: latencyParts.waiting,
      durationMs: waitingMs,
      share: share(waitingMs),
    });
  }
  return { totalMs, parts };
}
