import type { Command } from 'commander';
import type { AlertView } from '#protocol/alert.ts';
import { operatorName } from '../operator-name.ts';
import { integer } from '../parse-option.ts';
import { printable, printJson, printTable } from '../print.ts';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

type ListOptions = {
  readonly data: string;
  readonly all?: boolean;
  readonly limit: number;
  readonly json?: boolean;
};

/** `blindsight alert list|acknowledge`. */
export function registerAlert(program: Command): void {
  const alert = program.command('alert').description('what rules have raised: list, acknowledge');
  alert
    .command('list')
    .description('list the open alerts, the worst first')
    .option('--all', 'also closed ones, the newest first')
    .option('--limit <n>', 'how many at most', integer(1, 1000), 100)
    .option(...SITE_OPTION)
    .option('--json', 'print JSON')
    .action(({ data, all, limit, json }: ListOptions) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const alerts = await withSite(data, async ({ store }) =>
          all ? store.alerts.latest(limit) : (await store.alerts.open(limit)).open,
        );
        if (json) return printJson(alerts);
        printTable(['ALERT', 'SEVERITY', 'RULE', 'SINCE', 'STATE', 'TITLE'], alerts.map(row));
      }),
    );
  alert
    .command('acknowledge')
    .description('say that you take care of an alert; it is closed once it has ended, too')
    .argument('<alert>', 'its number', integer(1, Number.MAX_SAFE_INTEGER))
    .option(...SITE_OPTION)
    .addHelpText('after', '\nExample:\n  blindsight alert acknowledge 17\n')
    .action((id: number, { data }: { data: string }) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { acknowledgeAlert } = await import('#backend/alerts/acknowledge-alert.ts');
        const { title, ended } = await withSite(data, (site) => acknowledgeAlert(site, id, operatorName()));
        const rest = ended === null ? 'it still lasts' : 'it has ended, and is closed';
        process.stdout.write(`alert ${id} (${printable(title)}) is acknowledged; ${rest}\n`);
      }),
    );
}

function row(alert: AlertView): string[] {
  const times = alert.times > 1 ? ` (${alert.times} times)` : '';
  return [
    String(alert.id),
    alert.severity,
    alert.rule,
    `${alert.raised}${times}`,
    stateOf(alert),
    printable(alert.title),
  ];
}

function stateOf({ ended, acknowledged }: AlertView): string {
  const taken = acknowledged === null ? '' : `, acknowledged by ${acknowledged.by}`;
  return `${ended === null ? 'lasts' : 'ended'}${taken}`;
}
