import type { Clock } from '#runtime/clock.ts';
import type { Logger } from '#runtime/log.ts';
import { AuditLog } from '../audit/audit-log.ts';
import type { Anchored } from '../audit/checkpoint.ts';

/**
 * The audit log as the API writes it: each entry is in the log of the machine, too, a place that whoever changes the database may not reach; and that it is not what it
 * was comes once into the journal.
 */
export function auditOf(site: Anchored, clock: Clock, log: Logger): AuditLog {
  let isTold = false;
  return new AuditLog(site, {
    clock,
    onEntry: ({ seq, actor, act, subject, outcome, hash }) =>
      log.info(
        { audit: seq, actor, act, subject, outcome, hash: Buffer.from(hash).toString('hex') },
        'audit',
      ),
    onTrouble: (reason) => {
      const message = `the audit log is not what it was: ${reason}`;
      log.error({ code: 'AUDIT_BROKEN' }, message);
      if (isTold) return;
      isTold = true;
      const entry = { level: 'error', code: 'AUDIT_BROKEN', subject: site.name, message } as const;
      site.store.journal
        .add({ ...entry, timeMs: clock.now() })
        .catch((error: unknown) => log.error({ err: error }, 'the journal could not be written'));
    },
  });
}
