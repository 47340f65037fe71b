import { expect, it } from 'vitest';
import type { Kind, Targets } from './kind.ts';
import { drawSchedule } from './schedule.ts';

const kinds = ['one', 'two', 'three'].map(
  (name): Kind => ({
    ...{ name, what: name, targets: ['broker', 'gateway'], lasts: [100, 200] },
    strike: async () => {},
  }),
);
const targets: Targets = {
  ...{ broker: ['broker'], backend: ['backend'], decryptor: [], link: ['backend'], site: ['site'] },
  gateway: ['g-1', 'g-2'],
};
const draw = (seed: number) => drawSchedule(kinds, { seed, ms: 60_000, everyMs: 500, targets });

it('draws the same moments from the same seed, and others from another', () => {
  expect(draw(7)).toEqual(draw(7));
  expect(draw(7)).not.toEqual(draw(8));
});

it('draws each kind as often as the others, in order, and within its bounds', () => {
  const moments = draw(7);
  const counts = kinds.map(({ name }) => moments.filter(({ kind }) => kind === name).length);
  expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
  expect(moments.map(({ atMs }) => atMs)).toEqual(moments.map(({ atMs }) => atMs).toSorted((a, b) => a - b));
  expect(moments.every(({ ms }) => ms >= 100 && ms <= 200)).toBe(true);
  expect(new Set(moments.map(({ target }) => target))).toEqual(new Set(['broker', 'g-1', 'g-2']));
});
