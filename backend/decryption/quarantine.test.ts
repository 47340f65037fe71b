import { randomBytes, sign } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { encodeCanonical } from '#protocol/cbor.ts';
import type { Envelope } from '#protocol/envelope.ts';
import { systemClock } from '#runtime/clock.ts';
import { quarantineGateway, releaseGateway } from '../operations/gateways.ts';
import { removeGateway } from '../operations/remove-gateway.ts';
import { SiteView } from '../results/site-view.ts';
import { heldBound } from '../store/held.ts';
import { type DecryptingSite, drain, makeDecryptingSite } from '../testing/decrypting-site.ts';
import { makeTinyNetwork, type TinyNetwork } from '../testing/tiny-network.ts';
import { FLOOD } from './flood-watch.ts';
import type { Processor } from './processor.ts';

describe('a gateway in quarantine', () => {
  let network: TinyNetwork;
  let answers: Uint8Array[];
  let bench: DecryptingSite;
  let processor: Processor;

  beforeAll(async () => {
    network = await makeTinyNetwork();
    answers = [0.1, 0.2, 0.3, 0.4].map((pixel) => network.answer([pixel, 0.9]));
  });
  afterAll(() => network.close());
  beforeEach(async () => {
    bench = await makeDecryptingSite(network);
    processor = bench.makeProcessor();
  });
  afterEach(() => bench.close());

  /** Puts and processes an envelope of this place in the sequence. */
  async function send(sequence: number, changes: Partial<Envelope> = {}): Promise<void> {
    await bench.put({ sequence, ciphertext: answers[sequence % 4]!, ...changes });
    await drain(bench, processor);
  }
  /** What was kept and is released comes back and is processed, as `run` does it. */
  async function settleHeld(): Promise<void> {
    while ((await bench.site.store.held.takeBack(2, 200)) > 0) await drain(bench, processor);
  }
  const sequences = () => bench.results.map(({ sequence }) => sequence);
  const counters = () => bench.site.store.counters.all();
  const codes = async () => (await bench.site.store.journal.latest(10)).map(({ code }) => code);
  const held = async (name = 'gate') => {
    const { gateways } = await new SiteView('yard', bench.site.store, systemClock).snapshot();
    return gateways.find((gateway) => gateway.name === name)?.held;
  };

  it('has its answers kept undecided, over a restart, and decrypted once it is released', async () => {
    await send(0);
    expect(await quarantineGateway(bench.site, 'gate', ' seen open in the street ')).toBe(true);
    expect((await bench.site.store.gateways.get('gate'))?.quarantine?.reason).toBe('seen open in the street');
    expect(await codes()).toContain('GATEWAY_QUARANTINED');
    for (const sequence of [1, 2, 3]) await send(sequence);
    expect(await bench.site.store.inbox.count()).toBe(0);
    expect(await held()).toEqual({ answers: 3, dropped: 0 });
    expect(sequences()).toEqual([0]);

    processor = bench.makeProcessor();
    await settleHeld();
    expect(sequences(), 'still in quarantine').toEqual([0]);
    expect(await releaseGateway(bench.site, 'gate')).toEqual({ released: true, answers: 3 });
    await settleHeld();
    expect(sequences()).toEqual([0, 1, 2, 3]);
    expect(await counters()).toEqual({ accepted: 4 });
    expect(await held()).toEqual({ answers: 0, dropped: 0 });
    expect(await releaseGateway(bench.site, 'gate')).toEqual({ released: false, answers: 0 });
  });

  it('is released while others send without a pause, and what was kept comes back all the same', async () => {
    const other = await bench.enrol('other');
    await quarantineGateway(bench.site, 'gate', 'a look');
    for (const sequence of [0, 1, 2]) await send(sequence);
    const stop = new AbortController();
    const running = processor.run(stop.signal);
    const flood = (async () => {
      for (let sequence = 0; !stop.signal.aborted; sequence++) {
        // Stale, so that they cost no decryption.
        await bench.put({ sequence, camera: 'hall', frameTimeMs: 1 }, other, { camera: 'hall' });
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    })();
    await new Promise((resolve) => setTimeout(resolve, 200));
    await releaseGateway(bench.site, 'gate');
    try {
      await vi.waitFor(() => expect(sequences()).toEqual([0, 1, 2]), { timeout: 20_000 });
    } finally {
      stop.abort();
      await Promise.all([flood, running]);
    }
  });

  it('released by another process is noticed by a backend that idles, and what came since is not behind', async () => {
    await quarantineGateway(bench.site, 'gate', 'a look');
    for (const sequence of [0, 1, 2]) await send(sequence);
    const stop = new AbortController();
    const running = processor.run(stop.signal);
    await releaseGateway(bench.site, 'gate');
    await vi.waitFor(() => expect(sequences()).toEqual([0, 1, 2]), { timeout: 120_000 });
    stop.abort();
    await running;
  });

  it('does not keep the processor busy nor other gateways waiting', async () => {
    const other = await bench.enrol('other');
    await quarantineGateway(bench.site, 'gate', 'a look');
    for (const sequence of [0, 1, 2]) await send(sequence);
    const first = vi.spyOn(bench.site.store.inbox, 'take');
    const stop = new AbortController();
    const running = processor.run(stop.signal);
    await bench.put({ camera: 'yard', ciphertext: answers[0]! }, other);
    processor.wake();
    await vi.waitFor(() => expect(bench.results).toMatchObject([{ camera: 'yard' }]), { timeout: 120_000 });
    await vi.waitFor(() => expect(first.mock.calls.length).toBeGreaterThan(1), { timeout: 120_000 });
    stop.abort();
    await running;
    // Once a second, and for each wake; not once for each of what is kept.
    expect(first.mock.calls.length).toBeLessThan(200);
    expect(await held()).toEqual({ answers: 3, dropped: 0 });
  });

  it('has its oldest answers given up where too much comes, each of them counted, and nobody else’s', async () => {
    const other = await bench.enrol('other');
    const heldBound = { items: 2, bytes: 2 ** 30, siteBytes: 2 ** 30 };
    processor = bench.makeProcessor({ heldBound });
    await quarantineGateway(bench.site, 'gate', 'a look');
    await quarantineGateway(bench.site, 'other', 'a look');
    await bench.put({ camera: 'yard', ciphertext: answers[0]! }, other);
    for (const sequence of [0, 1, 2, 3, 4]) await send(sequence);
    expect(await held()).toEqual({ answers: 2, dropped: 3 });
    expect(await held('other')).toEqual({ answers: 1, dropped: 0 });
    expect(await counters()).toEqual({ 'refused.held-full': 3 });
    expect(await codes()).toContain('REFUSED_HELD_FULL');
    await releaseGateway(bench.site, 'gate');
    await settleHeld();
    expect(sequences()).toEqual([3, 4]);
    await quarantineGateway(bench.site, 'gate', 'again');
    expect(await held(), 'counted anew').toEqual({ answers: 0, dropped: 0 });
  });

  it('is bounded in bytes, and where all together are too much, who has most gives way', async () => {
    const other = await bench.enrol('other');
    const megabytes = (4 * 13_000) / 2 ** 20;
    const quarantine = { keptAnswers: 1000, keptMegabytes: megabytes, keptSiteMegabytes: megabytes };
    processor = bench.makeProcessor({ heldBound: heldBound({ quarantine }) });
    for (const name of ['gate', 'other']) await quarantineGateway(bench.site, name, 'a look');
    for (const sequence of [0, 1, 2, 3, 4]) await send(sequence);
    expect(await held()).toEqual({ answers: 4, dropped: 1 });
    await bench.put({ camera: 'yard', ciphertext: answers[0]! }, other);
    await drain(bench, processor);
    expect(await held('other')).toEqual({ answers: 1, dropped: 0 });
    expect(await held()).toEqual({ answers: 3, dropped: 2 });
  });

  it('has what was kept discarded where its owner says so, or is removed, and that is counted', async () => {
    const { store } = bench.site;
    await quarantineGateway(bench.site, 'gate', 'a look');
    for (const sequence of [0, 1]) await send(sequence);
    const release = await releaseGateway(bench.site, 'gate', { discard: true });
    expect(release).toEqual({ released: true, answers: 2 });
    await settleHeld();
    await send(2);
    expect(sequences()).toEqual([2]);
    expect(await counters()).toMatchObject({ accepted: 1, 'refused.discarded': 2 });

    await quarantineGateway(bench.site, 'gate', 'stolen');
    await send(3);
    await removeGateway(bench.site, 'gate');
    expect(await store.held.usage()).toEqual([]);
    expect(await counters()).toMatchObject({ 'refused.discarded': 3 });
  });

  it('has what was kept judged by when it came, not by when it is released', async () => {
    await quarantineGateway(bench.site, 'gate', 'a long look');
    await send(0);
    await send(1, { frameTimeMs: Date.now() + 3_600_000 });
    await send(2, { frameTimeMs: Date.now() - 400 * 24 * 3_600_000 });
    expect(await held(), 'what may not be asked is not kept').toEqual({ answers: 1, dropped: 0 });
    const inAMonth = () => Date.now() + 30 * 24 * 3_600_000;
    processor = bench.makeProcessor({ clock: { ...systemClock, now: inAMonth } });
    await releaseGateway(bench.site, 'gate');
    await settleHeld();
    expect(sequences()).toEqual([0]);
    expect(Date.parse(bench.results[0]!.frameTime)).toBeLessThan(Date.now());
    expect(await counters()).toMatchObject({ accepted: 1, 'refused.future': 1, 'refused.too-old': 1 });
  });

  it('has what it sends again kept once, and what is no answer refused as ever', async () => {
    await send(0);
    await quarantineGateway(bench.site, 'gate', 'a look');
    await send(1);
    await bench.put({ sequence: 1, ciphertext: answers[1]!, historical: true });
    await send(0, { frameTimeMs: 1 });
    await send(2, { ciphertext: Buffer.alloc(5) });
    await bench.putBytes(randomBytes(100));
    await drain(bench, processor);
    expect(await held()).toEqual({ answers: 2, dropped: 0 });
    await releaseGateway(bench.site, 'gate');
    await settleHeld();
    expect(sequences()).toEqual([0, 1]);
    expect(await counters()).toMatchObject({
      accepted: 2,
      duplicates: 2,
      'refused.size': 1,
      'refused.malformed': 1,
    });
  });

  it('that is quarantined again while what was kept comes back has the rest kept again', async () => {
    await quarantineGateway(bench.site, 'gate', 'a look');
    for (const sequence of [0, 1, 2, 3]) await send(sequence);
    await releaseGateway(bench.site, 'gate');
    expect(await bench.site.store.held.takeBack(2, 200)).toBe(2);
    await quarantineGateway(bench.site, 'gate', 'another look');
    await drain(bench, processor);
    expect(await held()).toEqual({ answers: 4, dropped: 0 });
    await releaseGateway(bench.site, 'gate');
    await settleHeld();
    expect(sequences().sort()).toEqual([0, 1, 2, 3]);
  });

  it('came there by a flood of what is no answer, and not by less, and not another one', async () => {
    const other = await bench.enrol('other');
    const garbage = async (count: number) => {
      const about = {
        gateway: other.name,
        camera: 'yard',
        digest: '',
        receivedMs: 0,
        attempts: 0,
      };
      for (let i = 0; i < count; i++)
        await processor.process([{ ...about, id: -1, envelope: randomBytes(60) }]);
    };
    await garbage(FLOOD.messages - 1);
    expect((await bench.site.store.gateways.get('other'))?.quarantine).toBeNull();
    await garbage(1);
    expect((await bench.site.store.gateways.get('other'))?.quarantine?.reason).toMatch(
      /^1000 messages within 10 minutes /,
    );
    expect((await bench.site.store.gateways.get('gate'))?.quarantine).toBeNull();
    expect(await codes()).toContain('GATEWAY_QUARANTINED');
    await send(0);
    expect(sequences()).toEqual([0]);
  });

  it('is not what becomes of a gateway that was updated before the backend', async () => {
    const payload = encodeCanonical({ schema: 2, gateway: 'gate' });
    const { signingKey } = bench.gateway;
    // What a later version signs is known by its domain; such refusals are not counted, see flood-watch.test.ts.
    const later = Buffer.concat([Buffer.from('blindsight envelope 2\0'), payload]);
    await bench.putBytes(encodeCanonical([payload, Uint8Array.from(sign(null, later, signingKey))]));
    // One field more, signed as this version does.
    const more = encodeCanonical({ schema: 1, gateway: 'gate', more: true });
    const signed = Buffer.concat([Buffer.from('blindsight envelope 1\0'), more]);
    await bench.putBytes(encodeCanonical([more, Uint8Array.from(sign(null, signed, signingKey))]));
    await bench.putBytes(encodeCanonical([more, Uint8Array.from(randomBytes(64))]));
    await drain(bench, processor);
    expect(await counters()).toEqual({ 'refused.version': 2, 'refused.signature': 1 });
    expect((await bench.site.store.gateways.get('gate'))?.quarantine).toBeNull();
  });
});
