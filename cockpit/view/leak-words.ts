import type { LeakView } from '#protocol/api.ts';
import { formatCount } from './format.ts';

/** How long the key of a gateway is safe, whatever the gateway does with it. */
export function leakWords({ state, safeDays }: LeakView): string {
  if (state === 'spent') return 'To be replaced';
  const days =
    safeDays === null
      ? 'while audits go on'
      : `for about ${formatCount(safeDays)} more ${safeDays === 1 ? 'day' : 'days'}`;
  return `Safe ${days}`;
}
