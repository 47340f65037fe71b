import { expect, it } from 'vitest';
import { CameraTimes } from './camera-times.ts';

const at = (sequence: number, frameMs: number, more = {}) => ({
  ...{ gateway: 'gate', session: 1, sequence, camera: 'door', frameMs },
  ...more,
});

it('goes on between answers, and says how long the gap before each was', () => {
  const times = new CameraTimes();
  expect(times.now('door', 0)).toBeNull();
  expect(times.take(at(1, 5000), 100)).toEqual({ atMs: 5000, sinceLastMs: null, setBackMs: 0 });
  expect(times.take(at(2, 7000), 2200)).toEqual({ atMs: 7000, sinceLastMs: 2000, setBackMs: 0 });
  expect([times.now('door', 2500), times.silence('door', 2500)]).toEqual([7300, 300]);
});

it('leaves answers that come after later ones, and takes those of another gateway', () => {
  const times = new CameraTimes();
  times.take(at(5, 5000), 0);
  expect(times.take(at(5, 5000), 0)).toBeNull();
  expect(times.take(at(4, 9000), 0)).toBeNull();
  expect(times.take(at(9, 4900, { session: 0 }), 0)).toBeNull();
  expect(times.take(at(6, 4900), 0), 'passed on the way').toMatchObject({ atMs: 5000, setBackMs: 0 });
  expect(times.take(at(1, 6000, { gateway: 'other' }), 0)).toMatchObject({ atMs: 6000 });
});

it('says how far a clock was set back, also over a restart', () => {
  const times = new CameraTimes();
  times.take(at(1, 100_000), 0);
  expect(times.take(at(2, 41_000), 1000)).toEqual({ atMs: 41_000, sinceLastMs: 0, setBackMs: 60_000 });
  times.expect('door', 100_000, 2000);
  expect(times.now('door', 3000)).toBeNull();
  expect(times.take(at(3, 50_000), 3000)).toMatchObject({
    atMs: 50_000,
    sinceLastMs: null,
    setBackMs: 51_000,
  });
});
