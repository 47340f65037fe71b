import type { Command } from 'commander';
import { runUntilStopped } from '../run-command.ts';
import { registerAgent } from './agent.ts';
import { registerAuditor } from './auditor.ts';

/** `blindsight agent|backend|broker|auditor`: each runs one daemon until it is stopped. */
export function registerDaemons(program: Command): void {
  registerAgent(program);
  program
    .command('backend')
    .description('run the backend: deployment, decryption, results, page')
    .requiredOption('--config <file>', 'configuration file (see config/backend.example.yaml)')
    .action(async ({ config }: { config: string }) => {
      const { runBackendDaemon } = await import('../daemons/backend.ts');
      await runUntilStopped((signal) => runBackendDaemon(config, signal));
    });
  program
    .command('broker')
    .description('run the embedded MQTT broker of a site')
    .requiredOption('--config <file>', 'configuration file (see config/broker.example.yaml)')
    .action(async ({ config }: { config: string }) => {
      const { runBrokerDaemon } = await import('../daemons/broker.ts');
      await runUntilStopped((signal) => runBrokerDaemon(config, signal));
    });
  registerAuditor(program);
}
