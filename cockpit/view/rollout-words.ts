import type { RolloutSummary } from '#protocol/api.ts';
import { EN, type Words } from '../words/en.ts';
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
  words: Words = EN,
): RolloutWords {
  const { rollouts } = words.gateways;
  const { waiting, released, done, failed, timedOut, skipped, left } = gateways;
  const bad = failed + timedOut;
  const ended = done + bad + skipped + left;
  const all = ended + waiting + released;
  const until = formatMoment(Date.parse(deadline), nowMs, words);
  const trouble = bad === 0 ? '' : `, ${rollouts.failed(bad)}`;
  const pace = state === 'paused' ? rollouts.paused : rollouts.pace(wave, waves, until);
  return {
    tone: bad > 0 ? 'warn' : 'wait',
    text: `${rollouts.progress(done, all)}${trouble}; ${pace}`,
    ended,
    all,
  };
}
