import type { Command } from 'commander';
import { siteCommand } from '../command-line.ts';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

/** `blindsight audit accept`. */
export function registerAuditAccept(audit: Command): void {
  audit
    .command('accept')
    .description(
      'sign the audit log as it is now: after its end was cut off, and you found out why; that you did is an entry itself',
    )
    .option(...SITE_OPTION)
    .action(({ data }: { data: string }) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { acceptAudit } = await import('#backend/audit/accept-audit.ts');
        await withSite(data, (site) => acceptAudit(site));
        process.stdout.write(
          `The audit log is signed as it is. Check it with \`${siteCommand(data, 'audit verify')}\`.\n`,
        );
      }),
    );
}
