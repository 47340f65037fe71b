import type { Command } from 'commander';
import { conditionWords, scheduleWords } from '#protocol/rule-words.ts';
import { printJson, printTable } from '../print.ts';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

/** `blindsight rule list` and `blindsight rule show NAME`. */
export function registerRuleList(rule: Command): void {
  rule
    .command('list')
    .description('list the rules')
    .option(...SITE_OPTION)
    .option('--json', 'print JSON')
    .action(({ data, json }: { data: string; json?: boolean }) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { listRules } = await import('#backend/operations/rules.ts');
        const rules = await withSite(data, (site) => listRules(site));
        if (json) return printJson(rules);
        printTable(
          ['RULE', 'ON', 'SEVERITY', 'WHEN', 'COUNTS', 'TELLS'],
          rules.map((one) => [
            ...[one.name, one.enabled ? 'yes' : 'no', one.severity],
            ...[conditionWords(one.when), scheduleWords(one), one.notify.join(' ') || '-'],
          ]),
        );
      }),
    );
  rule
    .command('show')
    .description('print a rule as JSON, as `rule add --file` reads it')
    .argument('<name>')
    .option(...SITE_OPTION)
    .action((name: string, { data }: { data: string }) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { findRule } = await import('#backend/operations/rules.ts');
        printJson(await withSite(data, (site) => findRule(site.store, name)));
      }),
    );
}
