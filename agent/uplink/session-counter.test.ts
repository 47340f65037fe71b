import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import { SessionCounter } from './session-counter.ts';

const NOW_SECONDS = Date.UTC(2026, 5, 1) / 1000;
const at = (seconds: number) => ({ now: () => seconds * 1000 });
const newPath = async () => join(await temporaryDirectory(), 'session.json');

describe('SessionCounter', () => {
  it('begins a higher session at each start and each new connection, with sequences from 1', async () => {
    const path = await newPath();
    const first = await SessionCounter.open(path, at(NOW_SECONDS));
    expect([first.take().sequence, first.take().sequence]).toEqual([1, 2]);
    const { session } = first;
    expect(await first.forConnection()).toBe(session); // An attempt that failed uses up nothing.
    expect(await first.forConnection()).toBe(session);
    first.connected();
    expect(first.take()).toEqual({ session, sequence: 3 });
    expect(await first.forConnection()).toBe(session + 1);
    expect(first.take()).toEqual({ session: session + 1, sequence: 1 });
    const second = await SessionCounter.open(path, at(0));
    expect(second.session).toBe(session + 2);
  });

  it('does not use numbers again when its file is lost, damaged, or restored from an older image', async () => {
    const path = await newPath();
    const before = await SessionCounter.open(path, at(NOW_SECONDS));
    const image = await readFile(path);
    for (let start = 1; start <= 5; start++) await SessionCounter.open(path, at(NOW_SECONDS + start * 60));
    await writeFile(path, image);
    const restored = await SessionCounter.open(path, at(NOW_SECONDS + 600));
    expect(restored.session).toBe(NOW_SECONDS + 600);
    await writeFile(path, '\0\0\0');
    const damaged = await SessionCounter.open(path, at(NOW_SECONDS + 660));
    expect(damaged.session).toBeGreaterThan(restored.session);
    const lost = await SessionCounter.open(await newPath(), at(NOW_SECONDS + 720));
    expect(lost.session).toBeGreaterThan(damaged.session);
    expect(before.session).toBe(NOW_SECONDS);
  });

  it('goes on from the file of a version that counted more slowly', async () => {
    const path = await newPath();
    await writeFile(path, '{"session":41000000}');
    expect((await SessionCounter.open(path, at(NOW_SECONDS))).session).toBe(NOW_SECONDS);
  });

  it.each([1970, 2099, 2101, 9999])('counts on through a clock that stands in %i', async (year) => {
    const path = await newPath();
    const wrong = Date.UTC(year, 0, 1) / 1000;
    await SessionCounter.open(path, at(NOW_SECONDS));
    const astray = await SessionCounter.open(path, at(wrong));
    expect(astray.session).toBe(year === 2099 ? wrong : NOW_SECONDS + 1);
    const back = await SessionCounter.open(path, at(NOW_SECONDS + 60));
    expect(back.session).toBeGreaterThan(astray.session);
    expect(String(back.session)).toHaveLength(10);
  });

  it('does not take a number from its file that has no end', async () => {
    const path = await newPath();
    await writeFile(path, '{"session":9007199254740991}');
    expect((await SessionCounter.open(path, at(NOW_SECONDS))).session).toBe(NOW_SECONDS);
  });

  it('leaves a session that was begun before, for good', async () => {
    const path = await newPath();
    const counter = await SessionCounter.open(path, at(5));
    expect(counter.take()).toEqual({ session: 1, sequence: 1 });
    counter.connected();
    await counter.leaveTaken(51);
    expect(counter.take()).toEqual({ session: 51, sequence: 1 });
    expect([counter.isTaken(1), counter.isTaken(51)]).toEqual([true, false]);
    expect(await counter.forConnection()).toBe(51);
    expect((await SessionCounter.open(path, at(5))).session).toBe(52);
  });
});
