import type { Command } from 'commander';
import { registerAuditAccept } from './audit-accept.ts';
import { registerAuditList } from './audit-list.ts';
import { registerAuditVerify } from './audit-verify.ts';

/** `blindsight audit list|verify|accept`: who did what on a site. */
export function registerAudit(program: Command): void {
  const audit = program
    .command('audit')
    .description('who did what by page, API and command line: list, verify, accept');
  registerAuditList(audit);
  registerAuditVerify(audit);
  registerAuditAccept(audit);
}
