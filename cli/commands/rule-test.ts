import type { Command } from 'commander';
import { printRuleTest } from '../print-rule-test.ts';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

/** `blindsight rule test NAME`. */
export function registerRuleTest(rule: Command): void {
  rule
    .command('test')
    .description('tell when a rule would have been raised in the last day, by the answers that are stored')
    .argument('<name>')
    .option(...SITE_OPTION)
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nA rule that is not saved yet is tested by `blindsight rule add NAME … --dry-run`.',
    )
    .action((name: string, { data, json }: { data: string; json?: boolean }) =>
      runCommand(async (run) => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { liveState } = await import('#backend/operations/live-state.ts');
        const { findRule, testRule } = await import('#backend/operations/rules.ts');
        await withSite(data, async (site, config) => {
          const { changed, author, ...known } = await findRule(site.store, name);
          const context = { site, config, state: await liveState(site, config), signal: run.signal };
          printRuleTest(await testRule(context, known), json);
        });
      }),
    );
}
