import { describe, expect, it } from 'vitest';
import { commandLine } from './command-line.ts';

const clone = { installed: false, user: 'ada', workingDirectory: '/srv/clone' };
const installed = { installed: true, user: 'blindsight', workingDirectory: '/' };

describe('commandLine', () => {
  it.each([
    ['the folder that commands take by themselves', './data', clone, 'npx blindsight …'],
    ['another folder', 'north', clone, 'npx blindsight … --data /srv/clone/north'],
    ['a folder with blanks', "/srv/it's north", clone, `npx blindsight … --data '/srv/it'\\''s north'`],
    [
      'an installed site',
      '/var/lib/blindsight',
      installed,
      'sudo -u blindsight blindsight … --data /var/lib/blindsight',
    ],
    [
      'an installed site of root',
      '/srv/data',
      { ...installed, user: 'root' },
      'blindsight … --data /srv/data',
    ],
    ['a folder named data elsewhere', '/data', installed, 'sudo -u blindsight blindsight … --data /data'],
  ])('writes commands for %s', (_, folder, circumstances, expected) => {
    expect(commandLine(folder, circumstances)).toBe(expected);
  });
});
