#!/usr/bin/env node
// The command line of an edge image: the agent and nothing else. Same words as the full one: blindsight agent --config FILE
import { Command } from 'commander';
import { registerAgent } from '#cli/commands/agent.ts';
import { reportError } from '#cli/report-error.ts';

const program = new Command('blindsight').description('Blindsight gateway').showHelpAfterError();
registerAgent(program);

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = reportError(error);
}
