import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Result } from '#protocol/messages.ts';
import { type Clock, systemClock } from '#runtime/clock.ts';
import { createLogger } from '#runtime/log.ts';
import { enrolTestGateway, makeTestSite, type TestSite } from '../testing/test-site.ts';
import { ResultPublisher } from './result-publisher.ts';
import { SiteView } from './site-view.ts';

const log = createLogger({ name: 'test', level: 'error', format: 'json', destination: { write: () => {} } });
/** Seconds pass in hundredths. */
const clock: Clock = {
  ...systemClock,
  sleep: (ms, signal) => systemClock.sleep(ms / 100, signal),
};
const WAIT = { timeout: 60_000, interval: 5 };

const makeResult = (second: number, region?: string): Result => ({
  camera: 'door',
  ...(region !== undefined && { region }),
  model: 'counter',
  modelVersion: 1,
  label: 'empty',
  probability: 1,
  probabilities: { empty: 1 },
  frameTime: new Date(second * 1000).toISOString(),
  sequence: second,
  historical: false,
  latencyMs: { prepare: 0, encrypt: 0, evaluate: 0, transport: 0, decrypt: 0, total: 0 },
});

describe('ResultPublisher', () => {
  let site: TestSite;
  let view: SiteView;
  let sent: string[];
  let connected: boolean;
  /** Rejects as a broken link does, before or after the broker has the message. */
  let sabotage: ((sequence: number) => void) | null;
  let running: Promise<void>;
  let stop: AbortController;
  let left: number[];
  let publisher: ResultPublisher;

  const link = {
    get connected() {
      return connected;
    },
    subscribe: () => () => {},
    publish: async (topic: string, payload: Uint8Array | string, options?: { retain?: boolean }) => {
      const { sequence } = JSON.parse(String(payload)) as Result;
      sabotage?.(sequence);
      sent.push(`${topic.replace('blindsight/v1/yard/results/', '')} ${sequence} ${options?.retain}`);
    },
  };

  beforeEach(async () => {
    site = await makeTestSite();
    await enrolTestGateway(site, 'gate');
    await site.store.cameras.claim('door', 'gate', 1);
    sent = [];
    connected = true;
    sabotage = null;
    start();
  });
  afterEach(async () => {
    await end();
    await site.close();
  });

  /** As after a restart. */
  function start(): void {
    view = new SiteView('yard', site.store, clock);
    left = [];
    const onLeft = ({ sequence }: Result) => left.push(sequence);
    publisher = new ResultPublisher({
      site: 'yard',
      store: site.store,
      link,
      view,
      clock,
      log,
      onLeft,
      maxWaiting: 4,
    });
    stop = new AbortController();
    running = publisher.run(stop.signal);
  }

  async function end(): Promise<void> {
    stop.abort();
    await running;
  }

  /** What settling an envelope leaves in the store. */
  async function store(...results: Result[]): Promise<void> {
    const [{ sequence }] = results as [Result];
    const place = { gateway: 'gate', session: 1, sequence };
    await site.store.transaction(async (inside) => {
      await inside.results.add({
        ...place,
        digest: '',
        camera: 'door',
        model: 'counter',
        version: 1,
        frameMs: sequence * 1000,
        storedMs: sequence * 1000,
        withheld: null,
        results,
      });
      await inside.publications.add('gate', 1, sequence);
    });
  }

  async function settle(...results: Result[]): Promise<void> {
    await store(...results);
    for (const result of results) publisher.publish(result);
  }

  const published = (...expected: string[]) => vi.waitFor(() => expect(sent).toEqual(expected), WAIT);
  const waiting = async () => (await site.store.publications.after(0, 100)).length;

  it('publishes every answer, and retains only the newest of a camera', async () => {
    await settle(makeResult(10));
    await published('door 10 true');
    await settle(makeResult(5));
    await published('door 10 true', 'door 5 false');
    await vi.waitFor(async () => expect(await waiting()).toBe(0), WAIT);
  });

  it('publishes each region on a topic of its own, and retains the newest of each', async () => {
    await settle(makeResult(10, 'left'), makeResult(10, 'right'));
    await published('door/left 10 true', 'door/right 10 true');
    await settle(makeResult(8, 'left'));
    await published('door/left 10 true', 'door/right 10 true', 'door/left 8 false');
  });

  it('publishes in order, once the broker is back, what was stored while it was away', async () => {
    connected = false;
    for (const second of [10, 5, 11]) await settle(makeResult(second));
    connected = true;
    publisher.linkUp(AbortSignal.abort());
    // First the present, as on every connection: the broker may have lost it.
    await published('door 11 true', 'door 10 false', 'door 5 false', 'door 11 true');
    expect(left, 'the page has seen them').toEqual([]);
  });

  it('publishes and tells the page what an earlier process stored and did not publish', async () => {
    await end();
    for (const second of [10, 5, 11]) await store(makeResult(second));
    connected = false;
    start();
    await view.load();
    await settle(makeResult(12));
    connected = true;
    publisher.linkUp(AbortSignal.abort());
    await published('door 12 true', 'door 10 false', 'door 5 false', 'door 11 false', 'door 12 true');
    expect(left).toEqual([10, 5, 11]);
    await end();
    expect(await waiting()).toBe(0);
    start();
    await settle(makeResult(13));
    await vi.waitFor(() => expect(sent.at(-1)).toBe('door 13 true'), WAIT);
    expect(sent).toHaveLength(6);
  });

  it('publishes again what a break left without acknowledgment, and what is behind it', async () => {
    connected = false;
    for (const second of [1, 2, 3, 4]) await settle(makeResult(second));
    sabotage = (sequence) => {
      if (sequence !== 2) return;
      connected = false;
      throw new Error('the link broke');
    };
    connected = true;
    publisher.linkUp(AbortSignal.abort());
    await vi.waitFor(() => expect(connected).toBe(false), WAIT);
    sabotage = null;
    sent = [];
    connected = true;
    publisher.linkUp(AbortSignal.abort());
    await published('door 4 true', 'door 2 false', 'door 3 false', 'door 4 true');
  });

  it('leaves out, after five attempts, an answer that no broker takes', async () => {
    sabotage = (sequence) => {
      if (sequence === 1) throw new Error('too large');
    };
    await settle(makeResult(1));
    await settle(makeResult(2));
    await vi.waitFor(async () => expect(await waiting()).toBe(0), WAIT);
    expect(new Set(sent)).toEqual(new Set(['door 2 true']));
  });

  it('keeps so many for a broker that is away, and says so in the journal where there were more', async () => {
    connected = false;
    for (const second of [1, 2, 3, 4, 5, 6]) await settle(makeResult(second));
    await vi.waitFor(async () => expect(await waiting()).toBe(4), WAIT);
    const [entry] = await site.store.journal.latest(1);
    expect(entry).toMatchObject({ code: 'RESULTS_NOT_PUBLISHED', level: 'warn' });
    connected = true;
    publisher.linkUp(AbortSignal.abort());
    await published('door 6 true', 'door 3 false', 'door 4 false', 'door 5 false', 'door 6 true');
  });

  it('passes over what was forgotten meanwhile', async () => {
    connected = false;
    for (const second of [1, 2]) await settle(makeResult(second));
    await site.store.results.removeBefore(1500);
    connected = true;
    publisher.linkUp(AbortSignal.abort());
    await published('door 2 true', 'door 2 true');
    await vi.waitFor(async () => expect(await waiting()).toBe(0), WAIT);
  });
});
