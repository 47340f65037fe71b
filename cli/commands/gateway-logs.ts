import type { Command } from 'commander';
import { MAX_LOG_LINES } from '#protocol/command.ts';
import { COMMAND_EXIT_CODES, COMMAND_WAIT_OPTION, orderGateway } from '../follow-command.ts';
import { duration, integer } from '../parse-option.ts';
import { note, printable } from '../print.ts';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

type Options = {
  readonly data: string;
  readonly wait: number;
  readonly lines: number;
  readonly since?: number;
  readonly json?: boolean;
};

/** `blindsight gateway logs NAME`. */
export function registerGatewayLogs(gateway: Command): void {
  gateway
    .command('logs')
    .description('print the newest lines of the log of a gateway')
    .argument('<gateway>')
    .option('--lines <n>', 'how many at most', integer(1, MAX_LOG_LINES), 200)
    .option(
      '--since <time>',
      'not older than this, for example 90s, 30m, 4h, 2d',
      duration(365 * 24 * 3_600_000),
    )
    .option(...COMMAND_WAIT_OPTION)
    .option(...SITE_OPTION)
    .option('--json', 'print each line as the JSON that it is')
    .addHelpText(
      'after',
      `
A gateway keeps the last megabytes of its log, also across restarts. Passwords and keys in it are blanked.
${COMMAND_EXIT_CODES}

Example:
  blindsight gateway logs gate-1 --since 1h`,
    )
    .action((name: string, { data, wait, lines, since, json }: Options) =>
      runCommand(async (run) => {
        const { withSite } = await import('#backend/site-folder.ts');
        await withSite(data, async (site) => {
          const given = { lines, ...(since !== undefined && { sinceSeconds: Math.ceil(since / 1000) }) };
          const ordered = { gateway: name, type: 'logs', arguments: given, waitSeconds: wait } as const;
          const answer = await orderGateway(site, ordered, run);
          if (answer === null) return;
          const { readContent } = await import('#backend/command/describe-commands.ts');
          const { bytes } = await readContent(site, name, answer.id);
          await printLines(Buffer.from(bytes).toString('utf8'), json === true);
          note(printable(answer.message ?? ''));
        });
      }, 'stopped; the command stays given until it expires'),
    );
}

/** Lines are a gateway's, and so is what stands in them: no terminal obeys it. */
async function printLines(text: string, json: boolean): Promise<void> {
  const lines = text.split('\n').filter((line) => line !== '');
  if (json) {
    for (const line of lines) process.stdout.write(`${printable(line)}\n`);
    return;
  }
  const { prettyFactory } = await import('pino-pretty');
  const pretty = prettyFactory({
    colorize: false,
    ignore: 'name',
    translateTime: 'SYS:yyyy-mm-dd HH:MM:ss',
    singleLine: true,
  });
  for (const line of lines)
    for (const row of String(pretty(line)).trimEnd().split('\n')) process.stdout.write(`${printable(row)}\n`);
}
