import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Command } from 'commander';
import { BlindsightError } from '#protocol/errors.ts';
import { runCommand } from '../run-command.ts';

const USER = 'blindsight-agent';

/** `blindsight agent adopt DIR`. */
export function registerAgentAdopt(agent: Command): void {
  agent
    .command('adopt')
    .description(
      'make what enrolment left in a folder the settings of the gateway that is installed here (as root)',
    )
    .argument('<dir>', 'folder that `agent enrol` or `gateway enrol` made')
    .addHelpText('after', '\nExample:\n  sudo blindsight agent adopt ./gate-1')
    .action((from: string) =>
      runCommand(async () => {
        if (process.geteuid?.() !== 0)
          throw new BlindsightError('WRONG_USER', 'only root can write the settings: call it with sudo');
        const { adoptGateway } = await import('#agent/enrolment/adopt-gateway.ts');
        await adoptGateway({
          from,
          settings: '/etc/blindsight',
          data: '/var/lib/blindsight-agent',
          credentials: '/run/credentials/blindsight-agent.service',
          group: await groupOf(USER),
        });
        process.stdout.write(
          `/etc/blindsight/agent.yaml holds the settings, and the keys in ${from} are needed no more: delete them. Start the gateway:\n` +
            '  systemctl restart blindsight-agent\n',
        );
      }),
    );
}

async function groupOf(user: string): Promise<number> {
  try {
    return Number((await promisify(execFile)('id', ['-g', user])).stdout);
  } catch (cause) {
    throw new BlindsightError('WRONG_USER', `there is no user ${user}: no gateway is installed here`, {
      cause,
    });
  }
}
