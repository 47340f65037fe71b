import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { makeQueueSite, type QueueSite } from './testing/queue-site.ts';

const WAIT = { timeout: 120_000, interval: 200 };

describe('a backend whose queue goes away', () => {
  let bench: QueueSite;
  beforeEach(async () => {
    bench = await makeQueueSite(1);
  });
  afterEach(() => bench.close());

  const read = async (path: string) => {
    const signal = AbortSignal.timeout(10_000);
    const answer = await fetch(`http://127.0.0.1:${bench.apiPort}${path}`, { signal });
    return { status: answer.status, text: await answer.text() };
  };
  const health = (status: number, text: string) =>
    vi.waitFor(async () => {
      const found = await read('/healthz');
      expect(found).toEqual({ status, text: expect.stringContaining(text) });
    }, WAIT);

  it('lives on, says so on its page, in its metrics and its journal, and goes on when the queue is back', async () => {
    const backend = bench.start('all', 'backend');
    await health(200, '"ok"');
    expect((await read('/metrics')).text).not.toMatch(/^blindsight_store_trouble\{/m);
    const { pid } = backend;
    await bench.broker.restart(async () => {
      await health(503, 'QUEUE_UNAVAILABLE');
      const { status, text } = await read('/metrics');
      expect(status).toBe(200);
      expect(text).toMatch(/^blindsight_store_trouble\{code="QUEUE_UNAVAILABLE"\} 1$/m);
      expect(JSON.parse((await read('/api/state')).text)).toMatchObject({
        trouble: { code: 'QUEUE_UNAVAILABLE' },
      });
    });
    await health(200, '"ok"');
    expect(backend.pid).toBe(pid);
    const entries = await bench.site.store.journal.latest(50);
    expect(entries.map(({ code }) => code)).toContain('QUEUE_UNAVAILABLE');
  });
});
