import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  countAnswers,
  decodeEnvelope,
  type Envelope,
  encodeEnvelope,
  envelopeDigest,
} from '#protocol/envelope.ts';
import type { PublishOptions } from '#runtime/link.ts';
import { createLogger } from '#runtime/log.ts';
import { SimulatedClock } from '#runtime/simulated-clock.ts';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import { until } from '../testing/until.ts';
import { Outbox } from './outbox.ts';
import { Sender, type SenderOptions } from './sender.ts';

const log = createLogger({ name: 'test', level: 'error', format: 'json' });
const { privateKey } = generateKeyPairSync('ed25519');

const envelope = (sequence: number, historical = false): Envelope => ({
  schema: 1,
  site: 'site',
  gateway: 'gateway',
  camera: sequence % 2 === 0 ? 'even' : 'odd',
  session: 1,
  sequence,
  frameTimeMs: 1,
  readyTimeMs: 2,
  bundle: 'a'.repeat(64),
  interpreter: 'reference',
  historical,
  timings: { prepareMs: 1, encryptMs: 1, evaluateMs: 1 },
  ciphertext: new Uint8Array(1000),
});

/** An outbox, a sender, and a broker that a test can take away. */
async function bench(options: Partial<SenderOptions> = {}, directory?: string) {
  const clock = new SimulatedClock(Date.now());
  const outbox = await Outbox.open({
    directory: directory ?? (await temporaryDirectory()),
    maxBytes: 1e9,
    maxAgeMs: 1e9,
    clock,
    log,
  });
  const published: { topic: string; digest: string; envelope: Envelope; qos: number | undefined }[] = [];
  const link = {
    connected: true,
    publish: async (topic: string, payload: Uint8Array | string, options?: PublishOptions) => {
      const wire = payload as Uint8Array;
      const decoded = decodeEnvelope(wire, 1e6);
      const { envelope } = decoded;
      published.push({ topic, digest: envelopeDigest(wire), envelope, qos: options?.qos });
    },
  };
  const sender = new Sender({
    outbox,
    link,
    topic: (camera) => `t/${camera}`,
    signingKey: privateKey,
    sessions: { isTaken: () => false, take: () => ({ session: 1, sequence: 0 }) },
    clock,
    log,
    ...options,
  });
  const append = async (sequence: number, historical = !sender.live, more: Partial<Envelope> = {}) => {
    const made = { ...envelope(sequence, historical), ...more };
    const { session, camera } = made;
    const answers = countAnswers(made);
    const wire = encodeEnvelope(made, privateKey);
    await outbox.append({ session, camera, sequence, answers, historical, wire });
    sender.pump();
  };
  const sequences = () => published.map((message) => message.envelope.sequence);
  const sent = (...expected: number[]) =>
    until(
      `${expected} sent, are ${sequences()}`,
      () => JSON.stringify(sequences()) === JSON.stringify(expected),
    );
  return { clock, outbox, link, sender, append, published, sent };
}

describe('Sender', () => {
  it('waits for link and backend, then sends in order and says that it waited', async () => {
    const { append, sender, link, published, sent, outbox } = await bench();
    link.connected = false;
    await append(1);
    await append(2);
    link.connected = true;
    sender.linkUp();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(published).toEqual([]);
    sender.backendChanged(7);
    await append(3);
    await sent(1, 2, 3);
    expect(published.map((m) => m.envelope.historical)).toEqual([true, true, false]);
    expect(published.map((m) => m.topic)).toEqual(['t/odd', 't/even', 't/odd']);
    // Receipts say what arrived: a broker that keeps and acknowledges each would do it for nobody.
    expect(published.map((m) => m.qos)).toEqual([0, 0, 0]);
    await sender.received([published[0]!.digest, published[2]!.digest, 'f'.repeat(64)]);
    expect([...outbox.entries].map((e) => e.sequence)).toEqual([2]);
  });

  it('keeps a bounded window without receipt', async () => {
    const { append, sender, published, sent } = await bench({ windowEntries: 2 });
    sender.backendChanged(1);
    for (let i = 1; i <= 4; i++) await append(i);
    await sent(1, 2);
    await sender.received([published[1]!.digest]);
    await sent(1, 2, 3);
    await sender.received(published.map((m) => m.digest));
    await sent(1, 2, 3, 4);
  });

  it('sends what is current before what waited, and what waited beside it', async () => {
    const { append, sender, published, sent, clock } = await bench({ windowEntries: 4 });
    for (let i = 1; i <= 8; i++) await append(i);
    sender.backendChanged(1);
    // A quarter of the window stays free.
    await sent(1, 2, 3);
    await append(9);
    await append(10);
    await sent(1, 2, 3, 9);
    await sender.received([published[0]!.digest]);
    await sent(1, 2, 3, 9, 10);
    await sender.received([published[1]!.digest, published[3]!.digest]);
    await sent(1, 2, 3, 9, 10, 4);
    await append(11);
    await sent(1, 2, 3, 9, 10, 4, 11);
    // What could not leave at once for long has waited, too.
    await append(12);
    clock.advance(10_000);
    await sender.received([published[4]!.digest, published[6]!.digest]);
    await sent(1, 2, 3, 9, 10, 4, 11, 5);
  });

  it('limits the bytes under way, but always sends one', async () => {
    const { append, sender, published, sent } = await bench({ windowBytes: 500 });
    sender.backendChanged(1);
    await append(1);
    await append(2);
    await sent(1);
    await sender.received([published[0]!.digest]);
    await sent(1, 2);
  });

  it('sends again, byte for byte, on a new connection, a new backend session, and without a receipt', async () => {
    const { append, sender, published, sent, clock } = await bench();
    sender.backendChanged(1);
    await append(1);
    await sent(1);
    sender.linkUp();
    await sent(1, 1);
    sender.backendChanged(null);
    sender.backendChanged(2);
    await sent(1, 1, 1);
    const stop = new AbortController();
    const running = sender.run(stop.signal);
    await clock.advance(20_000);
    await sent(1, 1, 1);
    await clock.advance(40_000);
    await sent(1, 1, 1, 1);
    expect(new Set(published.map((m) => m.digest)).size).toBe(1);
    stop.abort();
    await running;
  });

  it('numbers anew what waits under a session that somebody else has used', async () => {
    const directory = await temporaryDirectory();
    const earlier = await bench({}, directory);
    earlier.link.connected = false;
    await earlier.append(7);
    let isTaken = false;
    let sequence = 0;
    const sessions = { isTaken: () => isTaken, take: () => ({ session: 90, sequence: ++sequence }) };
    const { append, sender, published, outbox, sent } = await bench({ sessions }, directory);
    sender.backendChanged(1);
    await sent(7);
    sender.backendChanged(null);
    await append(8);
    await append(9);
    isTaken = true;
    sender.backendChanged(2);
    // 7 is of an earlier process; it was sent already besides.
    await sent(7, 7, 1, 2);
    expect(published.map((m) => m.envelope.session)).toEqual([1, 1, 90, 90]);
    expect([...outbox.entries].map((e) => [e.session, e.sequence])).toEqual([
      [1, 7],
      [90, 1],
      [90, 2],
    ]);
    await sender.received(published.map((m) => m.digest));
    expect(outbox.status.waiting).toBe(0);
    const { outbox: reopened } = await bench({}, directory);
    expect(reopened.status).toMatchObject({ waiting: 0, dropped: 0 });
  });

  it('gives what is numbered anew as many numbers as it has answers', async () => {
    let next = 1;
    const take = (count: number) => {
      next += count;
      return { session: 90, sequence: next - count };
    };
    const { append, sender, published, sent } = await bench({ sessions: { isTaken: () => true, take } });
    const [frameTimeMs, readyTimeMs] = [Date.now() + 1, Date.now() + 2];
    const timings = { prepareMs: 1, encryptMs: 1, evaluateMs: 1 };
    const later = [{ camera: 'third', frameTimeMs, readyTimeMs, timings }];
    await append(11, true, { schema: 3, later });
    await append(13, true, { schema: 2, others: [{ camera: 'third', frameTimeMs }] });
    await append(15, true);
    sender.backendChanged(1);
    await sent(1, 3, 5);
    expect(published.map(({ envelope }) => envelope.session)).toEqual([90, 90, 90]);
  });

  it('signs anew as historical what an earlier process left, once', async () => {
    const directory = await temporaryDirectory();
    const first = await bench({}, directory);
    first.link.connected = false;
    await first.append(1, false);
    const { sender, published, sent, outbox } = await bench({}, directory);
    sender.backendChanged(1);
    await sent(1);
    expect(published[0]!.envelope.historical).toBe(true);
    sender.linkUp();
    await sent(1, 1);
    expect(published[1]!.digest).toBe(published[0]!.digest);
    await sender.received([published[0]!.digest]);
    expect(outbox.status).toMatchObject({ waiting: 0, dropped: 0 });
  });
});
