import type { RolloutSummary } from '#protocol/api.ts';
import { formatMoment } from './format.ts';
import type { Tone } from './tone.ts';

export type RolloutWords = {
  readonly tone: Tone;
  readonly text: string;
  /** How many gateways have ended, and of how many. */
  readonly ended: number;
  readonly all: number;
};

/** How far a rollout that has not ended has come. */
export function rolloutWords(
  { state, wave, waves, gateways, deadline }: RolloutSummary,
  nowMs: number,
): RolloutWords {
  const { waiting, released, done, failed, timedOut, skipped, left } = gateways;
  const bad = failed + timedOut;
  const ended = done + bad + skipped + left;
  const all = ended + waiting + released;
  const until = formatMoment(Date.parse(deadline), nowMs);
  const trouble = bad === 0 ? '' : `, ${bad} failed`;
  const pace = state === 'paused' ? 'paused' : `wave ${wave} of ${waves}, ends by ${until}`;
  return {
    tone: bad > 0 ? 'warn' : 'wait',
    text: `${done} of ${all} gateways${trouble}; ${pace}`,
    ended,
    all,
  };
}
