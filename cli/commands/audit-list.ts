import type { Command } from 'commander';
import { integer, moment } from '../parse-option.ts';
import { printable, printJson, printTable } from '../print.ts';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

type Options = {
  readonly data: string;
  readonly since?: number;
  readonly actor?: string;
  readonly limit: number;
  readonly json?: boolean;
};

/** `blindsight audit list`. */
export function registerAuditList(audit: Command): void {
  audit
    .command('list')
    .description('list who did what, newest first')
    .option('--since <time>', 'only from this day or moment on: 2026-03-01, 2026-03-01T08:00Z', moment)
    .option('--actor <name>', 'only of this person, user or token (token:NAME)')
    .option('--limit <n>', 'at most so many', integer(1, 1_000_000), 50)
    .option(...SITE_OPTION)
    .option('--json', 'print JSON')
    .action(({ data, since, actor, limit, json }: Options) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { viewOf } = await import('#backend/audit/view-of.ts');
        const filter = {
          ...(since !== undefined && { sinceMs: since }),
          ...(actor !== undefined && { actor }),
        };
        const found = await withSite(data, ({ store }) => store.audit.acts({ limit, ...filter }));
        const acts = found.map(viewOf);
        if (json) return printJson(acts);
        printTable(
          ['ENTRY', 'TIME', 'WHO', 'BY', 'WHAT', 'OUTCOME'],
          acts.map(({ seq, time, actor: who, door, act, subject, outcome }) => [
            ...[String(seq), time.slice(0, 19), printable(who), door],
            printable(`${act} ${subject}`.trim()),
            outcome === 'begun' ? 'not known' : printable(outcome),
          ]),
        );
      }),
    );
}
