import type { Command } from 'commander';
import { operatorName } from '../operator-name.ts';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

/** `blindsight rule enable|disable|remove NAME`. */
export function registerRuleChanges(rule: Command): void {
  for (const [word, enabled, does, said] of [
    ['enable', true, 'let a rule count', 'counts'],
    ['disable', false, 'let a rule rest; what it has raised ends', 'rests'],
  ] as const) {
    rule
      .command(word)
      .description(does)
      .argument('<name>')
      .option(...SITE_OPTION)
      .action((name: string, { data }: { data: string }) =>
        runCommand(async () => {
          const { withSite } = await import('#backend/site-folder.ts');
          const { enableRule } = await import('#backend/operations/rules.ts');
          await withSite(data, (site) => enableRule({ site }, name, enabled, operatorName()));
          process.stdout.write(`rule ${name} ${said}\n`);
        }),
      );
  }
  rule
    .command('remove')
    .description('remove a rule; what it has raised ends')
    .argument('<name>')
    .option(...SITE_OPTION)
    .action((name: string, { data }: { data: string }) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { removeRule } = await import('#backend/operations/rules.ts');
        await withSite(data, (site) => removeRule({ site }, name));
        process.stdout.write(`there is no rule ${name} any more\n`);
      }),
    );
}
