import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { envelopeDigest } from '#protocol/envelope.ts';
import { systemClock } from '#runtime/clock.ts';
import { createLogger } from '#runtime/log.ts';
import { SimulatedClock } from '#runtime/simulated-clock.ts';
import { makeTestSite, type TestSite } from '../testing/test-site.ts';
import { ENVELOPE_MAX_BYTES } from './envelope-limit.ts';
import { Intake, type IntakeOptions } from './intake.ts';
import { ReceiptSender } from './receipt-sender.ts';
import { RefusalLog } from './refusal-log.ts';

const TOPIC = 'blindsight/v1/yard/gate/camera/door/inference';
const PACKET = { retain: false, dup: false, qos: 0 } as const;
const log = createLogger({ name: 'test', level: 'error', format: 'json', destination: { write: () => {} } });
const bytes = (index: number, length = 100) => new Uint8Array(length).fill(index);

describe('the intake', () => {
  let site: TestSite;
  let receipted: string[];
  let stored: number;
  beforeEach(async () => {
    site = await makeTestSite();
    receipted = [];
    stored = 0;
  });
  afterEach(() => site.close());

  function makeIntake(options: Partial<IntakeOptions> = {}): Intake {
    return new Intake({
      store: site.store,
      receipts: { add: (gateway, digest) => receipted.push(`${gateway} ${digest}`) },
      clock: systemClock,
      log,
      refusals: new RefusalLog(site.store, systemClock, log),
      onStored: () => {
        stored += 1;
      },
      ...options,
    });
  }

  it('confirms only what is on disk, many with one commit', async () => {
    const intake = makeIntake({
      receipts: {
        add: (gateway, digest) => {
          receipted.push(`${gateway} ${digest}`);
        },
      },
    });
    for (let index = 0; index < 40; index++) intake.receive(TOPIC, bytes(index), PACKET);
    expect(receipted).toEqual([]);
    await intake.idle();
    expect(receipted).toEqual(
      Array.from({ length: 40 }, (_, index) => `gate ${envelopeDigest(bytes(index))}`),
    );
    expect(await site.store.inbox.count()).toBe(40);
    expect(stored).toBeLessThan(5);
  });

  it('puts no commit off for whoever waits for the last one', async () => {
    // A clock that stands still.
    const intake = makeIntake({ clock: new SimulatedClock() });
    for (let index = 0; index < 3; index++) {
      intake.receive(TOPIC, bytes(index), PACKET);
      if (index > 0) await new Promise((resolve) => setImmediate(resolve));
      await intake.idle();
    }
    expect(receipted).toHaveLength(3);
  });

  it('confirms the same bytes again without keeping them twice', async () => {
    const intake = makeIntake();
    intake.receive(TOPIC, bytes(1), PACKET);
    await intake.idle();
    intake.receive(TOPIC, bytes(1), { ...PACKET, dup: true });
    await intake.idle();
    expect(receipted).toHaveLength(2);
    expect(await site.store.inbox.count()).toBe(1);
  });

  it('drops what is retained or oversized, and counts it', async () => {
    const intake = makeIntake();
    intake.receive(TOPIC, bytes(1), { ...PACKET, retain: true });
    intake.receive(TOPIC, bytes(1, 2 ** 20 + 1), PACKET);
    intake.receive('blindsight/v1/yard/gate/camera/inference', bytes(2), PACKET);
    await intake.idle();
    expect(receipted).toEqual([]);
    expect(await site.store.inbox.count()).toBe(0);
    expect(await site.store.counters.all()).toEqual({ 'refused.retained': 1, 'refused.oversized': 1 });
  });

  it('takes no more of one gateway than its bound, and leaves room for others', async () => {
    const intake = makeIntake({ bound: { items: 2, bytes: 1000, siteBytes: 1000 } });
    for (let index = 0; index < 5; index++) intake.receive(TOPIC, bytes(index), PACKET);
    intake.receive(TOPIC.replace('gate', 'other'), bytes(9), PACKET);
    await intake.idle();
    expect(receipted.map((line) => line.split(' ')[0])).toEqual(['gate', 'gate', 'other']);
    expect(await site.store.counters.all()).toEqual({ 'refused.inbox-full': 3 });
  });

  it('keeps room in memory for others while one gateway floods', async () => {
    const intake = makeIntake();
    for (let index = 0; index < 5000; index++) intake.receive(TOPIC, Buffer.from(`garbage ${index}`), PACKET);
    for (let index = 0; index < 32; index++)
      intake.receive(TOPIC.replace('gate', 'other'), bytes(index), PACKET);
    await intake.idle();
    const of = (name: string) => receipted.filter((line) => line.startsWith(`${name} `)).length;
    // The first is on its way to the disk before the others come.
    expect({ gate: of('gate'), other: of('other') }).toEqual({ gate: 65, other: 32 });
    expect(await site.store.counters.all()).toEqual({ 'refused.inbox-full': 5000 - 65 });
  });

  it('commits some of each gateway, in turns, while one floods: nobody waits behind all that it sends', async () => {
    const commits: string[][] = [];
    const intake = makeIntake({
      onStored: () => commits.push(receipted.slice(commits.flat().length).map((line) => line.split(' ')[0]!)),
    });
    for (let index = 0; index <= 60; index++) intake.receive(TOPIC, bytes(index), PACKET);
    for (let of = 0; of < 30; of++) intake.receive(TOPIC.replace('gate', `other-${of}`), bytes(1), PACKET);
    await intake.idle();
    expect(commits.flat()).toHaveLength(91);
    const ofGate = commits.map((names) => names.filter((name) => name === 'gate').length);
    expect(Math.max(...ofGate)).toBeLessThanOrEqual(16);
    // The first was on its way before the others came.
    const all = commits.slice(0, 2).flat();
    expect(all.filter((name) => name.startsWith('other-'))).toHaveLength(30);
  });

  it('keeps room in memory for others while one gateway sends the longest envelopes there are', async () => {
    const intake = makeIntake();
    for (let index = 0; index < 65; index++) intake.receive(TOPIC, bytes(index, ENVELOPE_MAX_BYTES), PACKET);
    intake.receive(TOPIC.replace('gate', 'other'), bytes(1), PACKET);
    await intake.idle();
    expect(receipted.filter((line) => line.startsWith('other '))).toHaveLength(1);
    // Eight in memory, and one on its way to the disk.
    expect(await site.store.counters.all()).toEqual({ 'refused.inbox-full': 65 - 9 });
  });

  it('takes no more of all gateways than the bound of the site', async () => {
    const intake = makeIntake({ bound: { items: 9, bytes: 1000, siteBytes: 250 } });
    for (const gateway of ['one', 'three', 'two'])
      intake.receive(TOPIC.replace('gate', gateway), bytes(1), PACKET);
    await intake.idle();
    expect(receipted.map((line) => line.split(' ')[0])).toEqual(['one', 'three']);
    expect(await site.store.counters.all()).toEqual({ 'refused.site-full': 1 });
  });

  it('takes nothing new while the disk is nearly full, and says so', async () => {
    let isLow = false;
    const intake = makeIntake({ isDiskLow: async () => isLow });
    const send = async (index: number) => {
      intake.receive(TOPIC, bytes(index), PACKET);
      await intake.idle();
    };
    await send(1);
    isLow = true;
    await send(2);
    expect(receipted).toHaveLength(1);
    await send(1);
    expect(receipted).toHaveLength(2);
    expect(await site.store.counters.all()).toEqual({ 'refused.disk-full': 1 });
    expect((await site.store.journal.latest(1))[0]?.code).toBe('REFUSED_DISK_FULL');
    isLow = false;
    await send(2);
    expect(receipted).toHaveLength(3);
  });

  it('does not let one gateway take the place of the bytes of another', async () => {
    const intake = makeIntake();
    intake.receive(TOPIC.replace('gate', 'other'), bytes(1), PACKET);
    intake.receive(TOPIC, bytes(1), PACKET);
    await intake.idle();
    expect(await site.store.inbox.count()).toBe(2);
  });

  it('confirms nothing while the disk refuses, and goes on afterwards', async () => {
    let broken = true;
    const transaction = site.store.transaction.bind(site.store);
    site.store.transaction = (work) =>
      broken ? Promise.reject(new Error('no space left on device')) : transaction(work);
    const intake = makeIntake();
    intake.receive(TOPIC, bytes(1), PACKET);
    await intake.idle();
    expect(receipted).toEqual([]);
    intake.receive(TOPIC, bytes(1, 2 ** 20 + 1), PACKET);
    await intake.idle();
    broken = false;
    intake.receive(TOPIC, bytes(1), PACKET);
    await intake.idle();
    expect(receipted).toHaveLength(1);
    // What was dropped meanwhile is counted when the disk is back.
    expect(await site.store.counters.all()).toEqual({ 'refused.oversized': 1 });
  });
});

describe('receipts', () => {
  it('leave on a grid in time, at most 256 digests each', async () => {
    const clock = new SimulatedClock();
    const sent: { topic: string; received: string[] }[] = [];
    const sender = new ReceiptSender({
      site: 'yard',
      clock,
      log,
      link: {
        publish: async (topic, payload) => {
          sent.push({ topic, received: JSON.parse(String(payload)).received });
        },
      },
    });
    await clock.advance(50 - (clock.monotonic() % 50) + 10);
    for (let index = 0; index < 300; index++) sender.add('gate', String(index));
    sender.add('gate', '0');
    await clock.advance(39);
    sender.add('other', 'x');
    expect(sent).toEqual([]);
    await clock.advance(1);
    expect(sent.map(({ topic, received }) => [topic, received.length])).toEqual([
      ['blindsight/v1/yard/gate/receipt', 256],
      ['blindsight/v1/yard/gate/receipt', 44],
      ['blindsight/v1/yard/other/receipt', 1],
    ]);
    sender.add('gate', 'y');
    sender.flush();
    expect(sent).toHaveLength(4);
    await clock.advance(100);
    expect(sent).toHaveLength(4);
  });
});
