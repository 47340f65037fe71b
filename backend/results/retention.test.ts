import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '#runtime/clock.ts';
import { createLogger } from '#runtime/log.ts';
import { makeTestSite, type TestSite } from '../testing/test-site.ts';
import { removeOldResults } from './retention.ts';

const HOUR_MS = 3_600_000;
const NOW_MS = 100 * HOUR_MS;

describe('what is kept of results', () => {
  let site: TestSite;
  let lines: string[];
  beforeEach(async () => {
    site = await makeTestSite();
    lines = [];
    await site.store.transaction(async (inside) => {
      for (let sequence = 0; sequence < 6000; sequence++)
        await inside.results.add({
          ...{ gateway: 'gate', session: 1, sequence, digest: 'a'.repeat(64), camera: 'door', model: 'net' },
          ...{ version: 1, frameMs: 0, storedMs: sequence * 60_000, withheld: 'x'.repeat(400), results: [] },
        });
    });
  });
  afterEach(() => site.close());

  /** One round, 100 hours after the first result. */
  async function round(options: { days?: number; megabytes?: number | null; lateHours?: number }) {
    const stop = new AbortController();
    const clock: Clock = {
      now: () => NOW_MS,
      sleep: async () => stop.abort(),
    } as unknown as Clock;
    const write = (line: string) => lines.push((JSON.parse(line) as { msg: string }).msg);
    const log = createLogger({ name: 'test', level: 'info', format: 'json', destination: { write } });
    await removeOldResults(
      {
        ...{
          store: site.store,
          clock,
          log,
          days: 30,
          megabytes: null,
          folder: site.dataDirectory,
          lateHours: 72,
        },
        ...options,
      },
      stop.signal,
    );
  }
  const kept = async (sequence: number) => (await site.store.results.digestAt('gate', 1, sequence)) !== null;

  it('is everything while it is young and fits half of the disk', async () => {
    await round({});
    expect(await kept(0)).toBe(true);
    expect(lines).toEqual([]);
  });

  it('is not what is older than its days', async () => {
    await round({ days: 4 });
    expect([await kept(239), await kept(240)]).toEqual([false, true]);
    expect(lines).toEqual(['old results removed']);
  });

  it('is the newest that fits, and the log says what late answers lose by it', async () => {
    await round({ megabytes: 3 });
    expect(await kept(5999)).toBe(true);
    expect(await kept(0)).toBe(false);
    expect(lines).toEqual([
      'results would take more than 3 MB (resultsMegabytes): the oldest are removed, and answers that come later than those that stay are refused',
    ]);
    lines = [];
    await round({ megabytes: 2, lateHours: 1 });
    expect(lines).toEqual(['results would take more than 2 MB (resultsMegabytes): the oldest are removed']);
  });
});
