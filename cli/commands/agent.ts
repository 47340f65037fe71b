import type { Command } from 'commander';
import { runUntilStopped } from '../run-command.ts';
import { registerAgentAdopt } from './agent-adopt.ts';
import { registerAgentEnrol } from './agent-enrol.ts';

/** `blindsight agent --config FILE` and `blindsight agent enrol`: the same on a gateway that has only the edge image. */
export function registerAgent(program: Command): void {
  const agent = program
    .command('agent')
    .description('run the gateway daemon: cameras in, encrypted answers out; or enrol this machine first')
    // Not required by commander, which would ask `agent enrol` for it, too.
    .option('--config <file>', 'configuration file (see config/agent.example.yaml)')
    .action(async ({ config }: { config?: string }) => {
      if (config === undefined) {
        return agent.error("error: required option '--config <file>' not specified");
      }
      const { runAgentDaemon } = await import('../daemons/agent.ts');
      await runUntilStopped((signal) => runAgentDaemon(config, signal), { hangUp: false });
    });
  registerAgentEnrol(agent);
  registerAgentAdopt(agent);
}
