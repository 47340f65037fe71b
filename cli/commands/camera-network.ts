import type { Command } from 'commander';
import { followPush, tryPush, WAIT_OPTION } from '../follow-push.ts';
import { operatorName } from '../operator-name.ts';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

type Options = { readonly data: string; readonly wait: number; readonly json?: boolean };

/** `blindsight camera network CAMERA [NETWORK]`. */
export function registerCameraNetwork(camera: Command): void {
  camera
    .command('network')
    .description('say which network of its gateway answers about a camera, and wait until it does')
    .argument('<camera>')
    .argument(
      '[network]',
      'name of a network that was deployed to the gateway (default: its default network)',
    )
    .option(...WAIT_OPTION)
    .option(...SITE_OPTION)
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Writes \`network\` into the settings that were pushed to the gateway last, and pushes them. To a gateway that runs the agent.yaml on it nothing was pushed: write
\`network: NAME\` there, in the camera.

Example:
  blindsight deploy carpark gate-1 --beside
  blindsight camera network lot carpark`,
    )
    .action((name: string, network: string | undefined, { data, wait, json }: Options) =>
      runCommand(async (run) => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { assignNetwork } = await import('#backend/configuration/assign-network.ts');
        await withSite(data, async (site) => {
          const assigned = { site, camera: name, network: network ?? null, author: operatorName() };
          const pushed = await tryPush(() => assignNetwork(assigned));
          if (pushed !== null)
            await followPush(site, pushed, run, { waitSeconds: wait, json: json === true });
          else process.stdout.write(`${name} has ${network ?? 'the default network'} already\n`);
        });
      }, 'stopped; what was pushed stays pushed'),
    );
}
