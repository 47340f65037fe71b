import { expect, it, vi } from 'vitest';
import type { Database } from '../store/database.ts';
import { measureResults } from '../store/measure-results.ts';
import type { ResultRecord } from '../store/results.ts';
import type { Store } from '../store/store.ts';

/** What is kept of results that do not fit. */
export function describeRetention(
  opened: () => { store: Store; database: Database },
  RESULT: ResultRecord,
): void {
  it('keeps the newest results that fit, with floors below them, and no fewer', async () => {
    const { store, database } = opened();
    const signal = new AbortController().signal;
    const count = 5000;
    await store.transaction(async (inside) => {
      for (let sequence = 0; sequence < count; sequence++)
        await inside.results.add({ ...RESULT, sequence, frameMs: sequence, storedMs: sequence });
    });
    // PostgreSQL hears of its rows a moment later.
    const { bytes } = await vi.waitFor(
      async () => {
        const measured = await measureResults(database);
        expect(measured.bytes).toBeGreaterThan(count * 300);
        return measured;
      },
      { timeout: 60_000 },
    );
    expect(await store.results.removeBeyond(bytes, signal)).toEqual({ removed: 0, untilMs: null });
    const { removed, untilMs } = await store.results.removeBeyond(bytes * 0.6, signal);
    expect(removed / count).toBeGreaterThan(0.35);
    expect(removed / count).toBeLessThan(0.9);
    expect(untilMs).toBe(removed - 1);
    expect(await store.results.digestAt('gate', 2, removed - 1)).toBeNull();
    expect(await store.results.digestAt('gate', 2, removed)).toBe(RESULT.digest);
    expect(await store.floors.covers('gate', { session: 2, sequence: removed - 1 })).toBe(true);
    expect(await store.floors.covers('gate', { session: 2, sequence: removed })).toBe(false);
    await store.results.releaseSpace(signal);
    // Smaller than everything else in the store: all go, and it ends.
    expect((await store.results.removeBeyond(1, signal)).removed).toBe(count - removed);
  });
}
