import type { Command } from 'commander';
import { printJson, printTable } from '../print.ts';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';
import { registerCameraName } from './camera-name.ts';
import { registerCameraNetwork } from './camera-network.ts';
import { registerCameraZone } from './camera-zone.ts';

/** `blindsight camera list|name|group|assign|network|release|zone`: the cameras of a site. */
export function registerCamera(program: Command): void {
  const camera = program
    .command('camera')
    .description('cameras: list, name, group, assign, network, release, zone');
  registerCameraName(camera);
  registerCameraZone(camera);
  camera
    .command('list')
    .description('list the names and the gateways that hold them')
    .option(...SITE_OPTION)
    .option('--json', 'print JSON')
    .action(({ data, json }: { data: string; json?: boolean }) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { listCameras } = await import('#backend/operations/cameras.ts');
        const cameras = await withSite(data, listCameras);
        if (json) return printJson(cameras);
        printTable(
          ['CAMERA', 'GATEWAY', 'STATE'],
          cameras.map(({ camera: name, gateway, retired }) => [
            name,
            gateway,
            retired ? 'retired' : 'in use',
          ]),
        );
      }),
    );
  camera
    .command('assign')
    .description('give a camera name to a gateway, whichever had it')
    .argument('<camera>')
    .argument('<gateway>')
    .option(...SITE_OPTION)
    .addHelpText('after', '\nExample:\n  blindsight camera assign door gate-2\n')
    .action((name: string, gateway: string, { data }: { data: string }) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { assignCamera } = await import('#backend/operations/cameras.ts');
        const before = await withSite(data, (site) => assignCamera(site, name, gateway));
        const had = before === null || before === gateway ? '' : `; gateway ${before} had it`;
        process.stdout.write(`${name} belongs to gateway ${gateway}${had}\n`);
      }),
    );
  registerCameraNetwork(camera);
  camera
    .command('release')
    .description('free a camera name, so that another gateway can use it')
    .argument('<camera>')
    .option(...SITE_OPTION)
    .action((name: string, { data }: { data: string }) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { releaseCamera } = await import('#backend/operations/cameras.ts');
        const gateway = await withSite(data, (site) => releaseCamera(site, name));
        process.stdout.write(
          gateway === null
            ? `no gateway holds a camera ${name}\n`
            : `${name} is free; gateway ${gateway} had it, and will claim it again if it still has a camera of that name\n`,
        );
      }),
    );
}
