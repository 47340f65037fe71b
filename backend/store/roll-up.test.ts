import { expect, it } from 'vitest';
import { RollUp } from './roll-up.ts';

const told = (...values: readonly number[]) =>
  new Map(values.map((value, index) => [index, { value, held: value > 0.5 }]));
const seen = (rollUp: RollUp, labels: number) =>
  Array.from({ length: labels }, (_, label) => rollUp.label(label));

it('adds answers up, also those that do not name a label', () => {
  const rollUp = new RollUp();
  rollUp.add(told(0.9, 0.1));
  rollUp.add(told(0.7));
  rollUp.add(told(0.2, 0.8, 0));
  expect(rollUp.answers).toBe(3);
  expect(seen(rollUp, 4)).toEqual([
    { sum: 1.8, least: 0.2, most: 0.9, held: 2 },
    { sum: 0.9, least: 0, most: 0.8, held: 1 },
    { sum: 0, least: 0, most: 0, held: 0 },
    { sum: 0, least: 0, most: 0, held: 0 },
  ]);
});

it('is the same after packing, whatever its size', () => {
  const rollUp = new RollUp();
  for (let answers = 0; answers < 300; answers++) rollUp.add(told(0.35, 0, 64, 12_345.6789));
  const unpacked = RollUp.unpack(rollUp.pack());
  expect(unpacked.answers).toBe(300);
  expect(seen(unpacked, 5)).toEqual(seen(rollUp, 5));
  const day = new RollUp();
  for (let merges = 0; merges < 30; merges++) {
    const before = RollUp.unpack(day.pack());
    day.merge(before);
    if (before.answers === 0) day.merge(rollUp);
  }
  expect(day.answers).toBe(300 * 2 ** 29);
  expect(RollUp.unpack(day.pack()).answers).toBe(day.answers);
  expect(new RollUp().pack()).toEqual(Uint8Array.of(0));
});

it('takes some twenty bytes for a minute of two labels', () => {
  const minute = new RollUp();
  for (let answers = 0; answers < 600; answers++) minute.add(told(0.95, 0.05));
  expect(minute.pack().length).toBeLessThanOrEqual(24);
});

it('merges labels of another order', () => {
  const [one, other] = [new RollUp(), new RollUp()];
  one.add(told(1, 0));
  other.add(told(0.25, 1));
  one.merge(other, [1, 0]);
  expect(seen(one, 2)).toEqual([
    { sum: 2, least: 1, most: 1, held: 2 },
    { sum: 0.25, least: 0, most: 0.25, held: 0 },
  ]);
});
