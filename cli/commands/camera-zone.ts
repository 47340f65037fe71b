import { type Command, InvalidArgumentError } from 'commander';
import { numbers } from '../parse-option.ts';
import { printJson, printTable } from '../print.ts';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

type Corner = [x: number, y: number];

/** `0.1,0.5` as a corner, after those before it. */
function corner(text: string, before: readonly Corner[] = []): Corner[] {
  const [x, y, ...more] = numbers(text);
  if (x === undefined || y === undefined || more.length > 0)
    throw new InvalidArgumentError('Expected x,y in fractions of the picture, as in 0.25,0.5.');
  return [...before, [x, y]];
}

/** `blindsight camera zone add|list|remove`: zones in the picture of a camera whose network answers with a map. */
export function registerCameraZone(camera: Command): void {
  const zone = camera.command('zone').description('zones in which a map counts: add, list, remove');
  zone
    .command('add')
    .description('draw a zone; answers from the next one on count in it')
    .argument('<camera>')
    .argument('<zone>')
    .argument(
      '<corners...>',
      'three to sixteen, x,y each in fractions of the picture from its upper left',
      corner,
    )
    .option(...SITE_OPTION)
    .addHelpText(
      'after',
      '\nExample:\n  blindsight camera zone add square entrance 0,0.5 0.4,0.5 0.4,1 0,1\n',
    )
    .action((name: string, zoneName: string, corners: Corner[], { data }: { data: string }) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { addZone } = await import('#backend/operations/zones.ts');
        await withSite(data, (site) => addZone(site, name, { name: zoneName, corners }));
        process.stdout.write(`${name} has a zone ${zoneName}; its next answer counts in it\n`);
      }),
    );
  zone
    .command('list')
    .description('list the zones of a camera, or of all cameras')
    .argument('[camera]')
    .option(...SITE_OPTION)
    .option('--json', 'print JSON')
    .action((name: string | undefined, { data, json }: { data: string; json?: boolean }) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { listZones } = await import('#backend/operations/zones.ts');
        const zones = await withSite(data, (site) => listZones(site, name));
        if (json) return printJson(zones);
        printTable(
          ['CAMERA', 'ZONE', 'CORNERS'],
          zones.map((one) => [one.camera, one.name, one.corners.map((at) => at.join(',')).join(' ')]),
        );
      }),
    );
  zone
    .command('remove')
    .description('remove a zone; stored answers keep what they counted in it')
    .argument('<camera>')
    .argument('<zone>')
    .option(...SITE_OPTION)
    .action((name: string, zoneName: string, { data }: { data: string }) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { removeZone } = await import('#backend/operations/zones.ts');
        await withSite(data, (site) => removeZone(site, name, zoneName));
        process.stdout.write(`${name} has no zone ${zoneName} any more\n`);
      }),
    );
}
