import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { loadConfig } from '#config/load.ts';
import { AgentConfig } from '#config/schema.ts';
import { decodeEnvelope, envelopeDigest } from '#protocol/envelope.ts';
import { gatewayTopics } from '#protocol/topics.ts';
import { systemClock } from '#runtime/clock.ts';
import { connectLink, type Link } from '#runtime/link.ts';
import { readLinkCredentials } from '#runtime/link-credentials.ts';
import { createLogger } from '#runtime/log.ts';
import { makeQueueSite, type QueueSite } from './testing/queue-site.ts';

const WAIT = { timeout: 240_000, interval: 100 };
const GATEWAYS = 4;
const ANSWERS = 25;
const log = createLogger({ name: 'test', level: 'error', format: 'json', destination: { write: () => {} } });

describe('a site on NATS, with a stream for a queue', () => {
  let bench: QueueSite;
  const links: Link[] = [];
  beforeEach(async () => {
    bench = await makeQueueSite(GATEWAYS);
  });
  afterEach(async () => {
    await Promise.all(links.splice(0).map((link) => link.close()));
    await bench.close();
  });

  /** A gateway that sends what has no receipt yet. */
  async function enter(index: number) {
    const gateway = bench.gateways[index]!;
    const { broker } = await loadConfig(join(bench.folder, gateway.name, 'agent.yaml'), AgentConfig);
    const { name } = gateway;
    const link = connectLink({
      ...{ url: bench.brokerUrl, clientId: name, clock: systemClock, log },
      ...(await readLinkCredentials(broker)),
    });
    links.push(link);
    const topics = gatewayTopics('yard', name);
    const received = new Set<string>();
    link.subscribe(topics.receipt, (_, payload) => {
      for (const digest of JSON.parse(Buffer.from(payload).toString()).received) received.add(digest);
    });
    return async (sequences: readonly number[]) => {
      const wires = sequences.map((sequence) => bench.envelope(gateway, sequence));
      const owing = () => wires.filter((wire) => !received.has(envelopeDigest(wire)));
      await vi.waitFor(
        async () => {
          await Promise.all(
            owing().map((wire) => link.publish(topics.inference(`camera-${name}`), wire).catch(() => {})),
          );
          await systemClock.sleep(1_000);
          expect(owing()).toEqual([]);
        },
        { ...WAIT, interval: 1_000 },
      );
    };
  }

  const untilSettled = (count: number) =>
    vi.waitFor(async () => {
      const counters = await bench.site.store.counters.all();
      expect(counters.accepted).toBe(count);
    }, WAIT);

  it('stores each answer once, from MQTT to PostgreSQL, though decryptors and the server are killed', async () => {
    bench.start('api', 'backend', 'api', 'deployer', 'auditor');
    const decryptors = ['one', 'two'].map((name) => bench.start(name, 'backend', 'decryptor'));
    const senders = await Promise.all(bench.gateways.map((_, i) => enter(i)));
    const round = (number: number) =>
      Promise.all(
        senders.map((send) => send(Array.from({ length: ANSWERS }, (_, i) => number * ANSWERS + i))),
      );
    await round(0);
    await untilSettled(GATEWAYS * ANSWERS);
    const sending = round(1);
    process.kill(decryptors[0]!.pid!, 'SIGKILL');
    await sending;
    process.kill(decryptors[1]!.pid!, 'SIGKILL');
    await round(2);
    const last = round(3);
    process.kill(bench.broker.pid!, 'SIGKILL');
    await bench.broker.restart();
    await last;
    const offered = 4 * GATEWAYS * ANSWERS;
    await untilSettled(offered);
    const { answers } = await bench.site.store.feed.storedBefore(Number.MAX_SAFE_INTEGER, 2 ** 31);
    // The place of each is unique in the database: that each offered answer is there, with its own picture, and counted once, is not.
    const found = answers.map(({ gateway, sequence, frameMs, withheld }) => ({
      ...{ gateway, sequence, frameMs, withheld },
    }));
    const made = bench.gateways.flatMap((gateway) =>
      Array.from({ length: 4 * ANSWERS }, (_, sequence) => {
        const { frameTimeMs: frameMs } = decodeEnvelope(bench.envelope(gateway, sequence), 2 ** 20).envelope;
        return { gateway: gateway.name, sequence, frameMs, withheld: null };
      }),
    );
    const inOrder = (list: typeof found) =>
      list.toSorted((a, b) => a.gateway.localeCompare(b.gateway) || a.sequence - b.sequence);
    expect(inOrder(found)).toEqual(inOrder(made));
    const totals = await bench.site.store.counters.all();
    expect({ accepted: totals.accepted, withheld: totals.withheld ?? 0 }).toEqual({
      accepted: offered,
      withheld: 0,
    });
    expect(Object.keys(totals).filter((name) => name.startsWith('refused.'))).toEqual([]);
    const stream = await bench.stream();
    const state = async () => (await stream.manager.streams.info(stream.stream)).state;
    await vi.waitFor(async () => expect((await state()).messages).toBe(0), WAIT);
    expect((await state()).last_seq).toBeGreaterThanOrEqual(offered);
    await stream.close();
  });
});
