#!/usr/bin/env node
// The command line of an edge image: the agent and nothing else. Same words as the full one: blindsight agent --config FILE
import { Command } from 'commander';
import { runAgentDaemon } from '#cli/daemons/agent.ts';
import { reportError } from '#cli/report-error.ts';
import { runUntilStopped } from '#cli/run-command.ts';

const program = new Command('blindsight').description('Blindsight gateway').showHelpAfterError();
program
  .command('agent')
  .description('run the gateway daemon: cameras in, encrypted answers out')
  .requiredOption('--config <file>', 'configuration file')
  .action(({ config }: { config: string }) =>
    runUntilStopped((signal) => runAgentDaemon(config, signal), { hangUp: false }),
  );

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = reportError(error);
}
