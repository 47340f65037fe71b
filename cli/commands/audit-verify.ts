import { type Command, InvalidArgumentError } from 'commander';
import { EXIT } from '#runtime/exit.ts';
import { printJson } from '../print.ts';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

type Options = {
  readonly data: string;
  readonly expect?: { readonly seq: number; readonly hash: string };
  readonly json?: boolean;
};

/** `blindsight audit verify`. */
export function registerAuditVerify(audit: Command): void {
  audit
    .command('verify')
    .description('check that no entry of the audit log was changed, removed or cut off')
    .option('--expect <entry:hash>', 'what an earlier verification printed, and you kept elsewhere', noted)
    .option(...SITE_OPTION)
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Whoever has the database and the installation key can write another log that fits together. Only what you keep elsewhere shows that: give it as --expect.

Exit codes:
  0  every entry is as it was written
  3  the log was changed; the first entry that is not right is named

Example:
  blindsight audit verify`,
    )
    .action(({ data, expect, json }: Options) =>
      runCommand(async ({ progress }) => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { verifyAudit } = await import('#backend/audit/verify-audit.ts');
        const verified = await withSite(data, (site) =>
          verifyAudit(site, {
            ...(expect !== undefined && { expected: expect }),
            onProgress: (share) => progress.update('verifying', 'reading entries', share),
          }),
        );
        progress.end();
        const { entries, head, damage, signed } = verified;
        if (damage !== null) process.exitCode = EXIT.rejected;
        if (json) return printJson(verified);
        if (damage !== null) {
          process.stdout.write(`The audit log is damaged: ${damage.message}.\n`);
          return;
        }
        process.stdout.write(
          `All ${entries} entries are as they were written, signed up to ${signed?.seq ?? 0}.\n`,
        );
        if (entries > 0) process.stdout.write(`To check against later, keep elsewhere: ${entries}:${head}\n`);
      }),
    );
}

/** `120:9f86…`, for commander. */
function noted(text: string): { seq: number; hash: string } {
  const [, seq, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (seq === undefined || hash === undefined)
    throw new InvalidArgumentError('Expected what `audit verify` printed: number, colon, 64 digits.');
  return { seq: Number(seq), hash };
}
