import { Argument, type Command, Option } from 'commander';
import { LOG_LEVELS } from '#protocol/command.ts';
import { COMMAND_EXIT_CODES, COMMAND_WAIT_OPTION, orderGateway, printAnswer } from '../follow-command.ts';
import { duration } from '../parse-option.ts';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

type Options = {
  readonly data: string;
  readonly wait: number;
  readonly for: number;
  readonly json?: boolean;
};

/** `blindsight gateway log-level NAME LEVEL`. */
export function registerGatewayLogLevel(gateway: Command): void {
  gateway
    .command('log-level')
    .description('let the log of a gateway tell more, or less, for a time')
    .argument('<gateway>')
    .addArgument(new Argument('<level>').choices(LOG_LEVELS))
    .addOption(
      new Option('--for <time>', 'how long, for example 90s, 30m, 4h, 2d')
        .argParser(duration(7 * 24 * 3_600_000))
        .default(3_600_000, '1h'),
    )
    .option(...COMMAND_WAIT_OPTION)
    .option(...SITE_OPTION)
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
After that, and at the next start of the gateway, its configured level (log.level) holds again. To change that one for good, push settings:
blindsight gateway config push.
${COMMAND_EXIT_CODES}

Example:
  blindsight gateway log-level gate-1 debug --for 30m`,
    )
    .action((name: string, level: string, { data, wait, for: forMs, json }: Options) =>
      runCommand(async (run) => {
        const { withSite } = await import('#backend/site-folder.ts');
        await withSite(data, async (site) => {
          const ordered = {
            gateway: name,
            type: 'log-level',
            arguments: { level, forSeconds: Math.ceil(forMs / 1000) },
          } as const;
          const answer = await orderGateway(site, { ...ordered, waitSeconds: wait }, run);
          if (answer !== null) await printAnswer(answer, json === true);
        });
      }, 'stopped; the command stays given until it expires'),
    );
}
