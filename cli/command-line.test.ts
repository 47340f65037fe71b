import { describe, expect, it } from 'vitest';
import { commandLine } from './command-line.ts';

const clone = { installed: false, user: 'ada', workingDirectory: '/srv/clone' };
const installed = { installed: true, user: 'blindsight-backend', workingDirectory: '/' };

describe('commandLine', () => {
  it.each([
    ['the folder that commands take by themselves', './data', clone, 'npx blindsight …'],
    ['another folder', 'north', clone, 'npx blindsight … --data /srv/clone/north'],
    ['a folder with blanks', "/srv/it's north", clone, `npx blindsight … --data '/srv/it'\\''s north'`],
    ['an installed site', '/var/lib/blindsight-backend', installed, 'sudo blindsight …'],
    [
      'an installed site elsewhere',
      '/srv/north',
      { ...installed, user: 'ada' },
      'sudo -u ada blindsight … --data /srv/north',
    ],
    [
      'an installed site of root',
      '/srv/data',
      { ...installed, user: 'root' },
      'blindsight … --data /srv/data',
    ],
    [
      'a folder named data elsewhere',
      '/data',
      installed,
      'sudo -u blindsight-backend blindsight … --data /data',
    ],
  ])('writes commands for %s', (_, folder, circumstances, expected) => {
    expect(commandLine(folder, circumstances)).toBe(expected);
  });
});
