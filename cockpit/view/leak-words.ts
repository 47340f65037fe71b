import type { LeakView } from '#protocol/api.ts';
import { EN, type Words } from '../words/en.ts';
import { formatCount } from './format.ts';

/** How long the key of a gateway is safe, whatever the gateway does with it. */
export function leakWords(
  { state, safeDays }: LeakView,
  { gateways: { key } }: Pick<Words, 'gateways'> = EN,
): string {
  if (state === 'spent') return key.spent;
  return safeDays === null ? key.audited : key.safe(formatCount(safeDays), safeDays === 1);
}
