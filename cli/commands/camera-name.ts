import type { Command } from 'commander';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

/** `blindsight camera name` and `blindsight camera group`: what people call a camera, and where it belongs. */
export function registerCameraName(camera: Command): void {
  camera
    .command('name')
    .description('say how people call a camera; its own name stays what everything else goes by')
    .argument('<camera>')
    .argument('[name]', 'without one it is called by its own again')
    .option(...SITE_OPTION)
    .addHelpText('after', '\nExample:\n  blindsight camera name cam-17 "North gate, upper deck"\n')
    .action((name: string, displayName: string | undefined, { data }: { data: string }) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { nameCamera } = await import('#backend/operations/name-camera.ts');
        const named = await withSite(data, (site) =>
          nameCamera(site, name, { displayName: displayName ?? '' }),
        );
        process.stdout.write(`${name} is called ${named.displayName ?? 'by its own name'}\n`);
      }),
    );
  camera
    .command('group')
    .description('put a camera into groups, instead of those that it was in; without any, take it out')
    .argument('<camera>')
    .argument('[groups...]')
    .option(...SITE_OPTION)
    .addHelpText('after', '\nExample:\n  blindsight camera group cam-17 Platforms North\n')
    .action((name: string, groups: string[], { data }: { data: string }) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { nameCamera } = await import('#backend/operations/name-camera.ts');
        const named = await withSite(data, (site) => nameCamera(site, name, { groups }));
        process.stdout.write(`${name} is in ${named.groups?.join(', ') ?? 'no group'}\n`);
      }),
    );
}
