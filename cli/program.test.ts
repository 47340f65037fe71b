import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { ERRORS } from '#protocol/errors.ts';
import { EVENTS } from '#protocol/events.ts';
import { REFUSALS } from '#protocol/refusals.ts';
import { isTest, repositoryFiles, root } from '../test/source-files.ts';
import { AUDITED_COMMANDS } from './audited-commands.ts';
import { withSiteCommands } from './command-line.ts';
import { makeProgram, takesOption } from './program.ts';

const program = makeProgram();
const takesData = (words: readonly string[]) => takesOption(program, words, '--data');
const at = (text: string, folder: string, installed = false) =>
  withSiteCommands(text, folder, takesData, {
    installed,
    user: 'blindsight-backend',
    workingDirectory: '/srv/clone',
  });

/** Every text that says what to do, with the code that it belongs to. */
const actions = [ERRORS, REFUSALS, EVENTS].flatMap((table) =>
  Object.entries(table).map(([code, { action }]) => [code, action] as const),
);
const suggesting = actions.filter(([, action]) => /`(blindsight|npm start) /.test(action));

/** Every command that does something, by its words; one with commands below it does if it has options. */
function leaves(command: Command, words: readonly string[] = []): [string, Command][] {
  const below = command.commands.flatMap((one) => leaves(one, [...words, one.name()]));
  const does = words.length > 0 && (below.length === 0 || command.options.length > 0);
  return does ? [[words.join(' '), command], ...below] : below;
}

describe('help', () => {
  it.each(leaves(program))('of %s shows a default as a time, not as milliseconds', (_, command) =>
    expect(command.helpInformation()).not.toMatch(/default: \d{5}/),
  );
});

describe('the audit log', () => {
  it('knows what each command does to a site (cli/audited-commands.ts)', () => {
    expect(Object.keys(AUDITED_COMMANDS).sort()).toEqual(
      leaves(program)
        .map(([words]) => words)
        .sort(),
    );
  });

  it.each(leaves(program))(
    '%s: notes options that there are, and none that may hold a secret',
    (words, command) => {
      const { does, notes = [] } = AUDITED_COMMANDS[words] ?? { does: 'elsewhere' };
      const flags = command.options.map(({ long }) => long?.slice(2));
      expect(flags).toEqual(expect.arrayContaining([...notes]));
      expect(
        notes.filter((name) => /key|password|secret|token|credential|camera|file|url|postgres/.test(name)),
      ).toEqual([]);
      if (does !== 'elsewhere') expect(flags).toContain('data');
    },
  );
});

describe('commands that texts suggest', () => {
  it.each(suggesting)('fit the site: %s', (_, action) => {
    for (const [, words = ''] of action.matchAll(/`blindsight ([^`]+)`/g)) {
      const command: string[] = words.split(' ');
      const [name, below] = command;
      const found = program.commands.find((one) => one.name() === name);
      expect(found, words).toBeDefined();
      const leaf = found?.commands.find((one) => one.name() === below);
      expect(found?.commands.length === 0 || leaf !== undefined, words).toBe(true);
      for (const flag of command.filter((word) => word.startsWith('--')))
        expect(takesOption(program, command, flag), `${words}: ${flag}`).toBe(true);
      const data = takesData(command) ? ' --data /srv/north' : '';
      expect(at(action, '/srv/north')).toContain(`\`npx blindsight ${words}${data}\``);
      expect(at(action, './data')).toContain(`\`npx blindsight ${words}\``);
      const user = takesData(command) ? 'sudo -u blindsight-backend ' : '';
      expect(at(action, '/srv/north', true)).toContain(`\`${user}blindsight ${words}${data}\``);
      const root = takesData(command) ? 'sudo ' : '';
      expect(at(action, '/var/lib/blindsight-backend', true)).toContain(`\`${root}blindsight ${words}\``);
    }
    for (const [, words = ''] of action.matchAll(/`npm start -- ([^`]+)`/g)) {
      const data = words.includes('--data') ? '' : ' --data /srv/north';
      expect(at(action, '/srv/north')).toContain(`\`npm start -- ${words}${data}\``);
      expect(at(action, './data')).toContain(`\`npm start -- ${words}\``);
    }
  });

  it('stand between backticks, by which they are known, in every text of the program', () => {
    const names = program.commands.map((one) => one.name()).join('|');
    const bare = new RegExp(`(?<!\`|\`npx )(\\bblindsight (${names})\\b|\\bnpm start\\b)`);
    expect(['Run blindsight site init.', 'Run npm start again.'].filter((text) => !bare.test(text))).toEqual(
      [],
    );
    const found = repositoryFiles()
      .filter((file) =>
        /^(backend|network|protocol|runtime|demo|agent|broker|config|fhe)\/.*\.ts$/.test(file),
      )
      .filter((file) => !isTest(file))
      .flatMap((file) => {
        const lines = readFileSync(join(root, file), 'utf8').split('\n');
        return (
          lines
            // What a signature is for reads like a command: `domain: 'blindsight software 1'`.
            .filter((line) => !/^\s*(\*|\/\*|\/\/|domain: )/.test(line) && bare.test(line))
            .map((line) => `${file}: ${line}`)
        );
      });
    expect(found).toEqual([]);
    expect(actions.filter(([, action]) => bare.test(action))).toEqual([]);
  });

  it('are known by the option, at any depth', () => {
    expect(takesData(['model', 'list'])).toBe(true);
    expect(takesData(['model', 'import', 'FILE'])).toBe(false);
    expect(takesData(['explain'])).toBe(false);
    const text = 'Run `blindsight model list --data /elsewhere`, `blindsight explain` or another.';
    expect(at(text, '/srv/north')).toBe(
      'Run `npx blindsight model list --data /elsewhere`, `npx blindsight explain` or another.',
    );
  });
});
