import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Command } from 'commander';
import { INSTALLED } from '#backend/installation/places.ts';
import { BlindsightError } from '#protocol/errors.ts';
import { BACKEND_USER } from '#runtime/wrong-user.ts';
import { runCommand } from '../run-command.ts';

const BROKER_USER = 'blindsight-broker';

/** `blindsight site adopt DIR`. */
export function registerSiteAdopt(site: Command): void {
  site
    .command('adopt')
    .description(
      'make the folder of a site, restored or of an earlier version, the site of this machine: ' +
        'each of the services gets what it needs (installed sites, as root)',
    )
    .argument('<dir>', 'folder of the site; none of its daemons may run')
    .addHelpText('after', '\nExample:\n  sudo blindsight site adopt /backup/restored')
    .action((from: string) =>
      runCommand(async () => {
        if (process.geteuid?.() !== 0)
          throw new BlindsightError(
            'WRONG_USER',
            'only root can give files to other users: call it with sudo',
          );
        const { adoptSite } = await import('#backend/installation/adopt-site.ts');
        await adoptSite({
          from,
          places: INSTALLED,
          backend: await ownerNamed(BACKEND_USER),
          broker: await ownerNamed(BROKER_USER),
        });
        process.stdout.write(
          `${INSTALLED.backend} holds the site. Start it:\n  systemctl start blindsight-broker blindsight-backend\n`,
        );
      }),
    );
}

async function ownerNamed(user: string): Promise<{ uid: number; gid: number }> {
  const number = async (flag: string) => Number((await promisify(execFile)('id', [flag, user])).stdout);
  try {
    return { uid: await number('-u'), gid: await number('-g') };
  } catch (cause) {
    throw new BlindsightError('WRONG_USER', `there is no user ${user}: Blindsight is not installed here`, {
      cause,
    });
  }
}
