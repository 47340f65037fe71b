import { readFileSync, statSync } from 'node:fs';
import { BlindsightError } from '#protocol/errors.ts';

/** Who the backend of an installed site, and its command line, run as. */
export const BACKEND_USER = 'blindsight-backend';

/** The name of a user of this machine; its number if there is none. */
function userName(uid: number): string {
  try {
    const line = readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .find((entry) => entry.split(':')[2] === String(uid));
    return line?.split(':')[0] ?? `#${uid}`;
  } catch {
    return `#${uid}`;
  }
}

/**
 * The error of a command on files of another user, with the correct command. Loosening permissions would be wrong:
 * files that root wrote cannot be read by the daemons of the site.
 *
 * @param owner user number of the owner
 */
export function wrongUser(path: string, owner: number): BlindsightError {
  const me = process.geteuid?.() ?? 0;
  // The command of an installed site, called by root, continues as the user of the backend.
  const asRoot = owner === 0 || (me !== 0 && userName(owner) === BACKEND_USER);
  const prefix = asRoot ? 'sudo' : `sudo -u ${shellWord(userName(owner))}`;
  return new BlindsightError(
    'WRONG_USER',
    `${path} belongs to user ${userName(owner)}, but this runs as ${userName(me)}: run the same command with ${prefix}`,
  );
}

/**
 * Keeps root from starting by hand what is another user's: it would make folders that the daemon cannot use later.
 *
 * @param file the configuration, which is there
 * @throws BlindsightError WRONG_USER
 */
export function refuseRootElsewhere(file: string): void {
  const { uid } = statSync(file);
  if (uid !== 0 && process.geteuid?.() === 0) throw wrongUser(file, uid);
}

/** sudo takes `#1000` for a user without a name, and the shell would take that for a comment. */
function shellWord(name: string): string {
  return name.startsWith('#') ? `'${name}'` : name;
}
