import type { AuditActView } from '#protocol/api.ts';
import type { AuditAct } from '../store/audit.ts';

/** An act as API and command line show it. */
export function viewOf({ timeMs, endMs, details, ...act }: AuditAct): AuditActView {
  return {
    ...act,
    time: new Date(timeMs).toISOString(),
    ended: endMs === null ? null : new Date(endMs).toISOString(),
    details: JSON.parse(details) as AuditActView['details'],
  };
}
