import type { GatewayView, SiteState } from '#protocol/api.ts';
import { EN, type Words } from '../words/en.ts';
import { formatAge, formatCount } from './format.ts';

/** Audits of a gateway in a few words: "1 234 answers, last equal 10 s ago". */
export function auditWords({ audit }: Pick<GatewayView, 'audit'>, nowMs: number, words: Words = EN): string {
  const says = words.gateways.audit;
  const { equal, unequal, missing, lastEqual, waiting, undone } = audit;
  const judged = equal + unequal + missing;
  if (judged === 0 && waiting === 0) return says.none;
  const parts = [says.answers(formatCount(judged), judged === 1)];
  if (lastEqual !== null) {
    const ageMs = nowMs - Date.parse(lastEqual);
    parts.push(ageMs < 1000 ? says.equalNow : says.equal(formatAge(ageMs, words)));
  }
  if (unequal > 0) parts.push(says.unequal(formatCount(unequal)));
  if (missing > 0) parts.push(says.missing(formatCount(missing)));
  if (waiting > 0) parts.push(says.waiting(formatCount(waiting)));
  if (undone > 0) parts.push(says.undone(formatCount(undone)));
  return parts.join(', ');
}

/** Said once for the entire site; null while answers are audited. */
export function noAuditsWords(
  { auditShare }: Pick<SiteState, 'auditShare'>,
  { gateways }: Pick<Words, 'gateways'> = EN,
): string | null {
  return auditShare > 0 ? null : gateways.audit.off;
}
