import { describe, expect, it } from 'vitest';
import { createLogger } from '#runtime/log.ts';
import { DecryptorWatch } from './decryptor-watch.ts';

const log = createLogger({ name: 'test', level: 'error', format: 'json', destination: { write: () => {} } });
const GONE_MS = 61_000;

describe('whether any decryptor lives', () => {
  it('is asked for a minute, by whoever looks, before it is said that none does', async () => {
    let nowMs = 0;
    let look = () => {};
    const clock = {
      now: () => nowMs,
      monotonic: () => nowMs,
      sleep: () => new Promise<void>((resolve) => (look = resolve)),
    };
    let living: string[] = [];
    const watch = new DecryptorWatch({ leases: { taken: async () => living }, clock, log });
    const looks = async () => {
      look();
      await new Promise((resolve) => setImmediate(resolve));
    };
    // A process that stands by, or has no page.
    nowMs += GONE_MS;
    expect(watch.isGone).toBe(false);
    const stop = new AbortController();
    const running = watch.run(stop.signal);
    await looks();
    expect(watch.isGone).toBe(false);
    nowMs += GONE_MS;
    await looks();
    expect(watch.isGone).toBe(true);
    living = ['decryptor/one'];
    await looks();
    expect(watch.isGone).toBe(false);
    stop.abort();
    look();
    await running;
  });
});
