import { describe, expect, it } from 'vitest';
import { TwinWatch } from './twin-watch.ts';

const WALL_MS = Date.UTC(2026, 0, 1);
const at = (second: number, retained = false) => ({
  atMs: WALL_MS + second * 1000,
  monotonicMs: second * 1000,
  retained,
});
/** A process that started at this second, heard at that one. */
const heard = (watch: TwinWatch, start: number, second: number) => watch.heard(second - start, at(second));

describe('TwinWatch', () => {
  it('notices two processes that are heard in turns, once, and forgets it when one is gone', () => {
    const watch = new TwinWatch();
    const turns = [0, 100, 0, 100, 0, 100].map((start, turn) => heard(watch, start, 200 + turn * 30));
    expect(turns).toEqual([false, false, false, false, true, false]);
    expect(watch.sinceMs(400_000)).toBe(WALL_MS + 260_000);
    for (let second = 380; second < 1300; second += 30) heard(watch, 0, second);
    expect(watch.sinceMs(1_300_000)).toBeNull();
  });

  it('takes a gateway that restarts and loses its link again and again for one', () => {
    const watch = new TwinWatch();
    for (let start = 0; start < 3000; start += 40) {
      expect(heard(watch, start, start + 2)).toBe(false);
      expect(heard(watch, start, start + 31.4)).toBe(false);
    }
  });

  it('takes messages that come late, all at once, for one process', () => {
    const watch = new TwinWatch();
    heard(watch, 0, 10);
    for (let uptime = 40; uptime < 340; uptime += 30) watch.heard(uptime, at(340));
    for (let second = 370; second < 700; second += 30) expect(heard(watch, 0, second)).toBe(false);
  });

  it('takes a copy that ran once and ended for over, and does not believe what a broker has kept', () => {
    const watch = new TwinWatch();
    heard(watch, 0, 100);
    heard(watch, 90, 130);
    for (let second = 160; second < 400; second += 30) expect(heard(watch, 0, second)).toBe(false);
    for (let turn = 0; turn < 10; turn++) expect(watch.heard(turn % 2, at(500, true))).toBe(false);
  });
});
