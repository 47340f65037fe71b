import { expect, it } from 'vitest';
import type { Zone } from '#protocol/zone.ts';
import { countZones } from './count-zones.ts';

/** Points at the middles of 8 × 8 cells. */
const points = Array.from({ length: 64 }, (_, cell) => ({
  label: cell % 2 === 0 ? 'car' : 'bus',
  x: ((cell % 8) + 0.5) / 8,
  y: (Math.floor(cell / 8) + 0.5) / 8,
}));

function count(corners: Zone['corners'], at = points) {
  const answer = { task: 'map' as const, counts: { car: 32, bus: 32 }, points: at };
  const { zones } = countZones(answer, [{ name: 'zone', corners }]) as {
    zones: { counts: Record<string, number> }[];
  };
  return zones[0]!.counts;
}

it('counts the points within a polygon by label, also within a bent one', () => {
  expect(
    count([
      [0, 0],
      [0.5, 0],
      [0.5, 0.5],
      [0, 0.5],
    ]),
  ).toEqual({ car: 8, bus: 8 });
  // An L, whose notch is the upper right quarter.
  expect(
    count([
      [0, 0],
      [0.5, 0],
      [0.5, 0.5],
      [1, 0.5],
      [1, 1],
      [0, 1],
    ]),
  ).toEqual({ car: 24, bus: 24 });
  expect(
    count([
      [0.01, 0.01],
      [0.02, 0.01],
      [0.02, 0.02],
    ]),
  ).toEqual({ car: 0, bus: 0 });
});

it('counts a point on an edge that two zones share in one of them', () => {
  const edge = [{ label: 'car', x: 0.5, y: 0.25 }];
  const left = count(
    [
      [0, 0],
      [0.5, 0],
      [0.5, 1],
      [0, 1],
    ],
    edge,
  ).car!;
  const right = count(
    [
      [0.5, 0],
      [1, 0],
      [1, 1],
      [0.5, 1],
    ],
    edge,
  ).car!;
  expect(left + right).toBe(1);
});
