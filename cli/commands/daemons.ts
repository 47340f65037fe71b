import { type Command, Option } from 'commander';
import { runUntilStopped } from '../run-command.ts';
import { registerAgent } from './agent.ts';
import { registerAuditor } from './auditor.ts';

/** As in backend/roles/backend-roles.ts, which `--help` does not load. */
const ROLES = ['api', 'deployer', 'decryptor', 'auditor'] as const;
type Role = (typeof ROLES)[number];

/** `blindsight agent|backend|broker|auditor`: each runs one daemon until it is stopped. */
export function registerDaemons(program: Command): void {
  registerAgent(program);
  program
    .command('backend')
    .description('run the backend: deployment, decryption, results, page')
    .requiredOption('--config <file>', 'configuration file (see config/backend.example.yaml)')
    .addOption(
      new Option('--role <role...>', 'only this part of it, with a store on PostgreSQL').choices(ROLES),
    )
    .addHelpText(
      'after',
      `
Without --role one process does everything. A larger site runs several, on one machine or more, on the same store:
any number with the role decryptor, and of api, deployer and auditor one each; a second one stands by.

Example:
  blindsight backend --config backend.yaml --role decryptor`,
    )
    .action(async ({ config, role }: { config: string; role?: readonly Role[] }) => {
      const { runBackendDaemon } = await import('../daemons/backend.ts');
      await runUntilStopped((signal) => runBackendDaemon(config, role ?? [], signal));
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
