import { userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { INSTALLED } from '#backend/installation/places.ts';
import { isInstalled } from './installed.ts';

/** Where the program is and who runs it; by default, those of this process. */
export type Circumstances = {
  /** Installed on the system, with `blindsight` on the PATH; otherwise a clone, where npx finds it. */
  readonly installed: boolean;
  readonly user: string;
  /** Where the commands of a clone are typed. */
  readonly workingDirectory: string;
};

function here(): Circumstances {
  return {
    installed: isInstalled,
    user: userInfo().username,
    workingDirectory: process.cwd(),
  };
}

/**
 * How a command for a site is typed on its machine, with `…` for its words: `npx blindsight … --data /srv/site`. The
 * default folder is omitted. The command of an installed site, called by root, continues as the user of that site.
 *
 * @param folder data folder of the site
 */
export function commandLine(folder: string, circumstances: Circumstances = here()): string {
  return `${program(folder, circumstances)} …${dataOption(folder, circumstances)}`;
}

function program(folder: string, circumstances: Circumstances): string {
  const { installed, user } = circumstances;
  if (!installed) return 'npx blindsight';
  if (user === 'root') return 'blindsight';
  return isDefault(folder, circumstances) ? 'sudo blindsight' : `sudo -u ${user} blindsight`;
}

function isDefault(folder: string, { installed, workingDirectory }: Circumstances): boolean {
  const path = resolve(workingDirectory, folder);
  return path === (installed ? INSTALLED.backend : join(workingDirectory, 'data'));
}

/** A command that concerns no site, as typed here. */
export function plainCommand(
  words: string,
  { installed }: Pick<Circumstances, 'installed'> = here(),
): string {
  return `${installed ? '' : 'npx '}blindsight ${words}`;
}

/** A command for a site in full. */
export function siteCommand(folder: string, words: string): string {
  return commandLine(folder).replace('…', () => words);
}

function dataOption(folder: string, circumstances: Circumstances): string {
  const path = resolve(circumstances.workingDirectory, folder);
  return isDefault(folder, circumstances) ? '' : ` --data ${shellWord(path)}`;
}

/**
 * A text with its commands (in backticks) adapted to a site on its machine: `blindsight model list` becomes
 * `npx blindsight model list --data /srv/site`.
 *
 * @param folder data folder of the site that the text is about
 * @param takesData whether a command, given as its words, has the option --data
 */
export function withSiteCommands(
  text: string,
  folder: string,
  takesData: (words: readonly string[]) => boolean,
  circumstances: Circumstances = here(),
): string {
  const { installed } = circumstances;
  const wants = (words: string) => !/(^| )--data( |$)/.test(words);
  return text
    .replace(/`blindsight ([^`]+)`/g, (_, words: string) => {
      if (takesData(words.split(' ')) && wants(words))
        return `\`${commandLine(folder, circumstances).replace('…', () => words)}\``;
      return `\`${plainCommand(words, circumstances)}\``;
    })
    .replace(/`npm start -- ([^`]+)`/g, (_, words: string) => {
      const start = installed ? 'blindsight demo' : 'npm start --';
      return `\`${start} ${words}${wants(words) ? dataOption(folder, circumstances) : ''}\``;
    });
}

function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
