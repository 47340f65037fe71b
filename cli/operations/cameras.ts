import { listCameras, releaseCamera } from '#backend/operations/cameras.ts';
import { withSite } from '#backend/site-folder.ts';
import { printJson, printTable } from '../print.ts';

/** `blindsight camera list`. */
export async function list(options: { data: string; json?: boolean }): Promise<void> {
  await withSite(options.data, async (site) => {
    const cameras = await listCameras(site);
    if (options.json) return printJson(cameras);
    printTable(
      ['CAMERA', 'GATEWAY', 'STATE'],
      cameras.map(({ camera, gateway, retired }) => [camera, gateway, retired ? 'taken out' : 'in use']),
    );
  });
}

/** `blindsight camera release NAME`. */
export async function release(name: string, options: { data: string }): Promise<void> {
  await withSite(options.data, async (site) => {
    const gateway = await releaseCamera(site, name);
    process.stdout.write(
      gateway === null
        ? `no gateway holds a camera ${name}\n`
        : `${name} is free; gateway ${gateway} had it, and takes it again if it still has such a camera\n`,
    );
  });
}
