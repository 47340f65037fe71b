import type { GatewayView, SiteState } from '#protocol/api.ts';
import { formatAge, formatCount } from './format.ts';

/** Audits of a gateway in a few words: "1 234 answers, last equal 10 s ago". */
export function auditWords({ audit }: Pick<GatewayView, 'audit'>, nowMs: number): string {
  const { equal, unequal, missing, lastEqual, waiting, undone } = audit;
  const judged = equal + unequal + missing;
  if (judged === 0 && waiting === 0) return 'none yet';
  const parts = [`${formatCount(judged)} ${judged === 1 ? 'answer' : 'answers'}`];
  if (lastEqual !== null) {
    const ageMs = nowMs - Date.parse(lastEqual);
    parts.push(`last equal ${ageMs < 1000 ? 'now' : `${formatAge(ageMs)} ago`}`);
  }
  if (unequal > 0) parts.push(`${formatCount(unequal)} unequal`);
  if (missing > 0) parts.push(`${formatCount(missing)} missing`);
  if (waiting > 0) parts.push(`${formatCount(waiting)} waiting`);
  if (undone > 0) parts.push(`${formatCount(undone)} to be tried again`);
  return parts.join(', ');
}

/** Said once for the entire site; null while answers are audited. */
export function noAuditsWords({ auditShare }: Pick<SiteState, 'auditShare'>): string | null {
  if (auditShare > 0) return null;
  return 'Answers are not audited on this site (audit.share is 0): gateways are taken at their word.';
}
