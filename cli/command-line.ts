import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join, resolve } from 'node:path';

const ROOT = join(import.meta.dirname, '..');

/** Where the program is and who runs it; what it is here and now, where left out. */
export type Circumstances = {
  /** Installed in the system, with `blindsight` on the PATH; else a clone, in which npx finds it. */
  readonly installed: boolean;
  readonly user: string;
  /** Where the commands of a clone are given. */
  readonly workingDirectory: string;
};

function here(): Circumstances {
  return {
    installed: existsSync(join(ROOT, 'bin', 'blindsight')),
    user: userInfo().username,
    workingDirectory: process.cwd(),
  };
}

/**
 * How a command for a site is written on its machine, `…` standing for its words: `npx blindsight … --data /srv/site`. In a clone the folder
 * is left out where it is the one that commands take by themselves; what is installed runs as a user of its own.
 *
 * @param folder data folder of the site
 */
export function commandLine(folder: string, circumstances: Circumstances = here()): string {
  const { installed, user, workingDirectory } = circumstances;
  const program = installed ? `${user === 'root' ? '' : `sudo -u ${user} `}blindsight` : 'npx blindsight';
  const path = resolve(workingDirectory, folder);
  if (!installed && path === join(workingDirectory, 'data')) return `${program} …`;
  return `${program} … --data ${shellWord(path)}`;
}

function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
