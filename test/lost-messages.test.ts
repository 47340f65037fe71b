import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Outbox } from '#agent/outbox/outbox.ts';
import { Sender } from '#agent/outbox/sender.ts';
import { Intake } from '#backend/decryption/intake.ts';
import { ReceiptSender } from '#backend/decryption/receipt-sender.ts';
import { RefusalLog } from '#backend/decryption/refusal-log.ts';
import { makeTestSite, type TestSite } from '#backend/testing/test-site.ts';
import { embeddedBroker, mosquitto, nats, type RunningBroker } from '#broker/testing/contract-brokers.ts';
import { envelopeDigest } from '#protocol/envelope.ts';
import { Receipt } from '#protocol/messages.ts';
import { parseMessage } from '#protocol/parse-message.ts';
import { gatewayTopics, siteTopics } from '#protocol/topics.ts';
import { systemClock as clock } from '#runtime/clock.ts';
import { connectLink, type Link, type MessageHandler } from '#runtime/link.ts';
import { createLogger } from '#runtime/log.ts';
import { makeNatsPlace, type NatsPlace } from './testing/nats-place.ts';

const SITE = 'north';
const WAIT = { timeout: 120_000, interval: 50 };
const ANSWERS = 20;
const log = createLogger({ name: 'test', level: 'error', format: 'json' });
const gate = gatewayTopics(SITE, 'gate-1');

/** Whether something is asked for the first time. */
const firsts = () => {
  const seen = new Set<string>();
  return (key: string) => !seen.has(key) && seen.add(key).has(key);
};

describe.each([
  ['aedes', embeddedBroker],
  ['mosquitto', mosquitto],
  ['nats', nats],
])('on connections over %s that stay up', (_, start) => {
  let place: NatsPlace;
  let broker: RunningBroker;
  let north: TestSite;
  const links: Link[] = [];
  afterEach(async () => {
    await Promise.all(links.splice(0).map((link) => link.close()));
    await broker.stop();
    await north.close();
    await place.remove();
  });

  async function enter(name: string, credentials: { certificate: string | Buffer; key: string | Buffer }) {
    const { ca } = place.settings([]);
    const url = `mqtts://localhost:${broker.port}`;
    const link = connectLink({ ...credentials, ca, url, clientId: name, clock, log });
    links.push(link);
    return link;
  }

  it('an answer that is lost comes again, and again if its receipt is lost, and is stored once', async () => {
    place = await makeNatsPlace(SITE);
    broker = await start({ folder: place.folder, site: SITE, maxMessageKilobytes: 256 });
    north = await makeTestSite(SITE);
    const downs: string[] = [];
    const backend = await enter('backend', place.settings([]));
    const isUntold = firsts();
    const receipts = new ReceiptSender({
      ...{ site: SITE, clock, log },
      link: {
        publish: async (topic, payload, options) => {
          const { received } = JSON.parse(String(payload)) as Receipt;
          const told = received.filter((digest) => !isUntold(digest));
          if (told.length > 0) await backend.publish(topic, JSON.stringify({ received: told }), options);
        },
      },
    });
    const refusals = new RefusalLog(north.store, clock, log);
    const intake = new Intake({ store: north.store, receipts, clock, log, refusals, onStored: () => {} });
    const came = new Map<string, number>();
    const qualities = new Set<number>();
    const isUnseen = firsts();
    const hear: MessageHandler = (topic, payload, packet) => {
      const digest = envelopeDigest(payload);
      came.set(digest, (came.get(digest) ?? 0) + 1);
      qualities.add(packet.qos);
      if (!isUnseen(digest)) intake.receive(topic, payload, packet);
    };
    backend.subscribe(siteTopics(SITE).inferences, hear, { qos: 0 });
    const link = await enter('gate-1', await place.issue('gateway', 'gate-1'));
    const directory = join(place.folder, 'outbox');
    const outbox = await Outbox.open({ directory, maxBytes: 1e9, maxAgeMs: 1e9, clock, log });
    const sender = new Sender({
      ...{ outbox, link, topic: gate.inference, clock, log, resendMs: [500] },
      signingKey: generateKeyPairSync('ed25519').privateKey,
      sessions: { isTaken: () => false, take: () => ({ session: 1, sequence: 0 }) },
    });
    const settle: MessageHandler = (_, payload, { qos }) => {
      qualities.add(qos);
      void sender.received(parseMessage(Receipt, payload).received);
    };
    link.subscribe(gate.receipt, settle, { qos: 0 });
    await vi.waitFor(() => expect([backend.connected, link.connected]).toEqual([true, true]), WAIT);
    for (const one of [backend, link]) one.onDown((reason) => downs.push(reason.code));
    sender.backendChanged(1);
    const stop = new AbortController();
    const running = sender.run(stop.signal);
    const entry = { session: 1, camera: 'door', historical: true };
    for (let sequence = 1; sequence <= ANSWERS; sequence++)
      await outbox.append({ ...entry, sequence, wire: Buffer.alloc(20_000, sequence) });

    await vi.waitFor(() => expect(outbox.status).toMatchObject({ waiting: 0, dropped: 0 }), WAIT);
    stop.abort();
    await running;
    await intake.idle();
    expect(await north.store.inbox.count()).toBe(ANSWERS);
    expect(came.size).toBe(ANSWERS);
    // Lost, then without a receipt, and then with one.
    expect(Math.min(...came.values())).toBeGreaterThanOrEqual(3);
    expect([...qualities]).toEqual([0]);
    expect(downs).toEqual([]);
  });
});
