import { setTimeout as delay } from 'node:timers/promises';
import type { Kind } from '../kind.ts';

const ANY = ['broker', 'backend', 'gateway'] as const;
const HOUR_MS = 3_600_000;
/** Beyond the time that an outbox keeps answers, and the backend takes them. */
const MOST_HOURS = 96;

/** Small jumps as often as large ones: from a second to days. */
const jumpMs = (amount: number): number => 1_000 * (MOST_HOURS * 3_600) ** amount;

const shift =
  (sign: 1 | -1, most = Number.POSITIVE_INFINITY): Kind['strike'] =>
  async (world, { target, ms, amount }, signal) => {
    world.setClock(target, sign * Math.round(Math.min(most, jumpMs(amount))));
    await delay(ms, undefined, { signal }).catch(() => {});
    world.setClock(target, 0);
  };

/** What happens to the wall clock of a process, and back; answers that are dated by it may be refused for it, and that is counted. */
export const CLOCK_KINDS: readonly Kind[] = [
  {
    name: 'clock-ahead',
    what: 'the clock of a process jumps ahead by a second to four days, and back some seconds later',
    targets: ANY,
    broker: 'ours',
    lasts: [500, 6_000],
    strike: shift(1),
  },
  {
    name: 'clock-behind',
    what: 'the clock of a process jumps back by a second to a day, and forward again some seconds later',
    targets: ANY,
    broker: 'ours',
    lasts: [500, 6_000],
    strike: shift(-1, 24 * HOUR_MS),
  },
  {
    name: 'clock-at-start',
    what: 'a process starts with a clock that is behind by up to a day, and then is set',
    targets: ANY,
    broker: 'ours',
    lasts: [2_000, 6_000],
    strike: async (world, moment, signal) => {
      const process = world.processes.get(moment.target)!;
      await process.hold();
      const shifted = shift(-1, 24 * HOUR_MS)(world, moment, signal);
      process.letGo();
      await shifted;
    },
  },
];
