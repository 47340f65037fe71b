import type { Command } from 'commander';
import { integer } from '../parse-option.ts';
import { runUntilStopped } from '../run-command.ts';

type Options = {
  readonly url: string;
  readonly tokenFile: string;
  readonly data: string;
  readonly cache: number;
};

/** `blindsight auditor`: audits answers of gateways on a machine of its own. */
export function registerAuditor(program: Command): void {
  program
    .command('auditor')
    .description('audit answers of gateways on a machine of its own, which holds no secret key of a network')
    .requiredOption(
      '--url <url>',
      'where the API of the backend is: https://…, or http:// on its own machine',
    )
    .requiredOption('--token-file <file>', 'file of a token with the role auditor, readable by nobody else')
    .requiredOption('--data <folder>', 'its own folder: its key, and networks that it keeps')
    .option('--cache <MB>', 'networks that it keeps', integer(64, 1_000_000), 4096)
    .addHelpText(
      'after',
      `
On the machine of the backend, set audit.auditor: process in backend.yaml, restart it, and make a token:
  blindsight token add auditor-1 --role auditor --data ./plaza

The first key that comes with a token is the only one that it may bring. For an auditor that lost its key, make another token.

Example:
  blindsight auditor --url https://plaza.example --token-file ./token --data ./auditor`,
    )
    .action(async (options: Options) => {
      const { runAuditorDaemon } = await import('../daemons/auditor.ts');
      await runUntilStopped((signal) => runAuditorDaemon(options, signal));
    });
}
