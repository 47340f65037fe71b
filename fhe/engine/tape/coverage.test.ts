import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Op } from './tape.ts';

describe('operations of the kernel', () => {
  const tests = readdirSync(import.meta.dirname)
    .filter((name) => /\.test\.ts$/.test(name))
    .map((name) => readFileSync(new URL(name, import.meta.url), 'utf8'))
    .filter((text) => /describe\.each\(\['release', 'debug'\] as const\)/.test(text))
    .join('\n');

  it.each(Object.keys(Op))('%s is run by itself in both builds', (name) => {
    expect(tests).toMatch(new RegExp(`bench\\.run\\(\\s*Op\\.${name}\\b|own\\.run\\(Op\\.${name}\\b`));
  });

  it('have the numbers that the kernel dispatches on', () => {
    const tape = readFileSync(new URL('../../kernel/assembly/tape.ts', import.meta.url), 'utf8');
    const cases = [...tape.matchAll(/case (\d+): (memory\.)?(\w+)\(/g)];
    const names = cases.map(([, number, , name]) => [name === 'fill' ? 'clear' : name, Number(number)]);
    expect(Object.fromEntries(names)).toEqual(Op);
  });
});
