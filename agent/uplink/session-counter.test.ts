import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import { SessionCounter } from './session-counter.ts';

const now = Date.UTC(2026, 5, 1);

describe('SessionCounter', () => {
  it('begins a higher session at each start and each new connection, with sequences from 1', async () => {
    const path = join(await temporaryDirectory(), 'session.json');
    const first = await SessionCounter.open(path, now);
    expect([first.take().sequence, first.take().sequence]).toEqual([1, 2]);
    const { session } = first;
    expect(await first.forConnection()).toBe(session); // An attempt that failed uses up nothing.
    expect(await first.forConnection()).toBe(session);
    first.connected();
    expect(first.take()).toEqual({ session, sequence: 3 });
    expect(await first.forConnection()).toBe(session + 1);
    expect(first.take()).toEqual({ session: session + 1, sequence: 1 });
    const second = await SessionCounter.open(path, 0);
    expect(second.session).toBe(session + 2);
  });

  it('does not use numbers again when its file is lost or damaged', async () => {
    const path = join(await temporaryDirectory(), 'session.json');
    const before = await SessionCounter.open(path, now);
    await writeFile(path, '\0\0\0');
    const damaged = await SessionCounter.open(path, now + 60_000);
    expect(damaged.session).toBeGreaterThan(before.session);
    const lost = await SessionCounter.open(join(await temporaryDirectory(), 'session.json'), now + 120_000);
    expect(lost.session).toBeGreaterThan(damaged.session);
  });
});
