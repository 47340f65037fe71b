import { type Command, Option } from 'commander';
import { duration, integer } from '../parse-option.ts';
import { printJson } from '../print.ts';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

type Options = {
  readonly data: string;
  readonly version: number;
  readonly grace: number;
  readonly json?: boolean;
};

const DAY_MS = 86_400_000;

/** `blindsight model retire MODEL`. */
export function registerModelRetire(model: Command): void {
  model
    .command('retire')
    .description(
      'take a network out of service: nothing new is deployed of it, and its answers are refused soon',
    )
    .argument('<model>')
    .requiredOption('--version <n>', 'which version of it', integer(1, 2 ** 31 - 1))
    .addOption(
      new Option('--grace <time>', 'how long its answers are still taken, for example 90s, 24h, 7d')
        .argParser(duration(365 * DAY_MS))
        .default(DAY_MS, '24h'),
    )
    .option(...SITE_OPTION)
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  blindsight model retire counter --version 1 --grace 7d')
    .action((name: string, { data, version, grace, json }: Options) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { retireModel } = await import('#backend/operations/retire-model.ts');
        const {
          model: retired,
          changed,
          gateways,
        } = await withSite(data, (site) => retireModel({ site, model: name, version, graceMs: grace }));
        const until = new Date(retired.retirement!.refusedFromMs).toISOString();
        if (json) return printJson({ model: name, version, refusedFrom: until, gateways });
        process.stdout.write(
          `${name} version ${version} ${changed ? 'is retired' : 'was retired before'}; its answers are refused from ${until} on.\n`,
        );
        if (gateways.length > 0)
          process.stdout.write(`Still on it: ${gateways.join(', ')}. Deploy another network to them.\n`);
      }),
    );
}
