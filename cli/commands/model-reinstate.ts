import type { Command } from 'commander';
import { integer } from '../parse-option.ts';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

/** `blindsight model reinstate MODEL`. */
export function registerModelReinstate(model: Command): void {
  model
    .command('reinstate')
    .description('take a retired network back into service')
    .argument('<model>')
    .requiredOption('--version <n>', 'which version of it', integer(1, 2 ** 31 - 1))
    .option(...SITE_OPTION)
    .action((name: string, { data, version }: { data: string; version: number }) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { reinstateModel } = await import('#backend/operations/retire-model.ts');
        const { changed } = await withSite(data, (site) => reinstateModel({ site, model: name, version }));
        process.stdout.write(
          `${name} version ${version} ${changed ? 'is in service again' : 'was in service all along'}.\n`,
        );
      }),
    );
}
