import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { AlertPublisher } from '#backend/alerts/alert-publisher.ts';
import { type Authority, createAuthority, type Issued } from '#backend/enrolment/authority.ts';
import { makeTestSite } from '#backend/testing/test-site.ts';
import { embeddedBroker, mosquitto, nats, type RunningBroker } from '#broker/testing/contract-brokers.ts';
import { connectPacket } from '#broker/testing/packets.ts';
import { envelopeDigest } from '#protocol/envelope.ts';
import { Receipt } from '#protocol/messages.ts';
import { parseMessage } from '#protocol/parse-message.ts';
import { gatewayTopics, siteTopics } from '#protocol/topics.ts';
import { systemClock } from '#runtime/clock.ts';
import { connectLink, type Link, type LinkOptions } from '#runtime/link.ts';
import { createLogger } from '#runtime/log.ts';
import { RetryLadder } from '#runtime/retry.ts';

const WAIT = { timeout: 120_000 };

const SITE = 'north';
const gate = gatewayTopics(SITE, 'gate-1');
const other = gatewayTopics(SITE, 'gate-2');
const site = siteTopics(SITE);

const PATIENCE = { timeout: 120_000, interval: 20 };

type Heard = { topic: string; payload: string; bytes: number; retain: boolean };

describe.each([
  ['aedes', embeddedBroker],
  ['mosquitto', mosquitto],
  ['nats', nats],
])('the contract on %s', (_, start) => {
  let folder: string;
  let authority: Authority;
  let broker: RunningBroker;
  const issued = new Map<string, Issued>();
  const links = new Set<Link>();
  const lines: string[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'blindsight-contract-'));
    authority = await createAuthority();
    const server = await authority.issue({ kind: 'broker', commonName: 'broker', days: 1 });
    await Promise.all([
      writeFile(join(folder, 'ca.pem'), authority.certificate),
      writeFile(join(folder, 'revoked.crl'), await authority.revocationList([], Date.now())),
      writeFile(join(folder, 'broker.pem'), server.certificate),
      writeFile(join(folder, 'broker.key'), server.key, { mode: 0o600 }),
    ]);
    for (const kind of ['backend', 'cockpit'] as const) {
      issued.set(kind, await authority.issue({ kind, commonName: kind, days: 1 }));
    }
    for (const commonName of ['gate-1', 'gate-2', 'gate-3']) {
      issued.set(commonName, await authority.issue({ kind: 'gateway', commonName, days: 1 }));
    }
    issued.set('broker', server);
    broker = await start({ folder, site: SITE, maxMessageKilobytes: 256 });
  });

  afterAll(async () => {
    await Promise.all([...links].map((link) => link.close()));
    await broker.stop();
    await rm(folder, { recursive: true });
  });

  function open(identity: Issued | undefined, clientId: string, options: Partial<LinkOptions> = {}): Link {
    const link = connectLink({
      url: `mqtts://localhost:${broker.port}`,
      ca: authority.certificate,
      ...(identity && { certificate: identity.certificate, key: identity.key }),
      clientId,
      clock: systemClock,
      log: createLogger({
        name: clientId,
        level: 'debug',
        format: 'json',
        destination: { write: (line) => lines.push(line) },
      }),
      ladder: new RetryLadder([30]),
      ...options,
    });
    links.add(link);
    return link;
  }

  async function enter(name: string, options: Partial<LinkOptions> = {}, filters: string[] = []) {
    const link = open(issued.get(name), `${name}-${links.size}`, options);
    const heard: Heard[] = [];
    for (const filter of filters) {
      link.subscribe(filter, (topic, payload, { retain }) =>
        heard.push({ topic, payload: Buffer.from(payload).toString(), bytes: payload.length, retain }),
      );
    }
    await up(link);
    return { link, heard };
  }

  const up = (link: Link) =>
    vi.waitFor(() => expect(link.connected).toBe(true), { timeout: 120_000, interval: 10 });
  const topics = (heard: readonly Heard[]) => heard.map(({ topic }) => topic);

  /** Why a link that cannot come up does not. */
  async function refusal(link: Link): Promise<string> {
    const reasons: string[] = [];
    link.onUp(() => {
      reasons.push('it was accepted');
    });
    link.onDown((reason) => reasons.push(reason.code));
    await vi.waitFor(() => expect(reasons).not.toEqual([]), WAIT);
    await systemClock.sleep(100);
    await link.close();
    return reasons.join();
  }

  it('accepts nobody without a client certificate of the installation', async () => {
    expect(await refusal(open(undefined, 'nobody'))).toMatch(/^LINK_/);
    const foreign = await (await createAuthority()).issue({ kind: 'gateway', commonName: 'gate-1', days: 1 });
    expect(await refusal(open(foreign, 'gate-1'))).toMatch(/^LINK_/);
    expect(await refusal(open(issued.get('broker'), 'broker'))).toMatch(/^LINK_/); // a server, not a client
  });

  it('carries what a gateway may say to the backend', async () => {
    const backend = await enter('backend', {}, [
      site.inferences,
      site.anyGateway('birth'),
      gate.answer('+', '+'),
    ]);
    const gateway = await enter('gate-1');
    const said = [gate.inference('door'), gate.birth, gate.answer('restart', '7')];
    for (const topic of said) await gateway.link.publish(topic, 'x');
    // MQTT orders what one subscription hears, and these are three: NATS serves each by itself.
    await vi.waitFor(() => expect(topics(backend.heard).toSorted()).toEqual(said.toSorted()), WAIT);
  });

  it('carries nothing that a gateway may not say, and goes on with the others', async () => {
    const backend = await enter('backend', {}, [`${site.prefix}/#`]);
    const neighbor = await enter('gate-2', {}, [other.receipt, other.desired]);
    const gateway = await enter('gate-1');
    const forbidden = [
      other.inference('door'),
      other.state,
      other.receipt,
      other.desired,
      gate.receipt,
      gate.bundleManifest,
      gate.networkManifest('carpark'),
      site.result('door'),
      site.alert('intruder', 'door'),
      site.backendState,
      'elsewhere',
      gate.prefix,
    ];
    for (const topic of forbidden) {
      await up(gateway.link);
      await gateway.link.publish(topic, 'forged').catch(() => undefined);
      await gateway.link.publish(topic, 'forged', { qos: 0 }).catch(() => undefined);
    }
    await vi.waitFor(async () => gateway.link.publish(gate.health, 'last'), WAIT);
    await neighbor.link.publish(other.health, 'well');
    await vi.waitFor(
      () => expect(topics(backend.heard)).toEqual(expect.arrayContaining([gate.health, other.health])),
      WAIT,
    );
    expect(backend.heard.filter(({ payload }) => payload === 'forged')).toEqual([]);
    expect(neighbor.heard).toEqual([]);
  });

  it('lets a gateway read nothing but what is for it', async () => {
    const filters = [
      ...['#', '+/#', `${site.prefix}/#`, site.results, site.alerts],
      ...[`${site.prefix}/+/receipt`, other.receipt],
      // Where NATS keeps messages and hands them over.
      ...['$MQTT/#', '$MQTT/msgs/#', '$MQTT/sub/#', '+/sub/#', '$JS/#', '$JS/API/#', '$SYS/#'],
    ];
    const gateway = await enter('gate-1', {}, filters);
    const readable = [
      gate.receipt,
      gate.command('+', '+'),
      gate.networkManifest('carpark'),
      site.backendState,
    ];
    const watching = await enter('gate-1', {}, readable);
    const backend = await enter('backend');
    const neighbor = await enter('gate-2');
    await backend.link.publish(site.result('door'), 'result', { retain: true });
    await backend.link.publish(site.alert('intruder', 'door'), 'alert');
    await backend.link.publish(other.receipt, 'receipt');
    await backend.link.publish(other.bundleChunk, 'chunk');
    await backend.link.publish(other.networkManifest('carpark'), 'manifest');
    await neighbor.link.publish(other.inference('door'), 'secret');
    const due = [
      ...[gate.receipt, gate.command('restart', '7'), gate.networkManifest('carpark'), site.backendState],
    ];
    for (const topic of due) await backend.link.publish(topic, 'x');
    // NATS keeps the order within a filter, not across them.
    await vi.waitFor(() => expect(topics(watching.heard).toSorted()).toEqual(due.toSorted()), WAIT);
    const own = due.filter((topic) => topic !== site.backendState);
    expect(gateway.heard.filter(({ topic }) => !own.includes(topic) && topic !== site.backendState)).toEqual(
      [],
    );
    const late = await enter('gate-1', {}, [site.result('door'), site.backendState]);
    await backend.link.publish(site.backendState, 'y');
    await vi.waitFor(() => expect(topics(late.heard)).toEqual([site.backendState]), WAIT); // and not the retained result
    await backend.link.publish(site.result('door'), '', { retain: true });
  });

  it('lets the cockpit read results and states, and write nothing', async () => {
    const cockpit = await enter('cockpit', {}, [
      site.results,
      site.anyGateway('state'),
      site.inferences,
      '#',
    ]);
    const gateway = await enter('gate-1');
    const backend = await enter('backend', {}, [`${site.prefix}/#`]);
    await gateway.link.publish(gate.inference('door'), 'secret');
    await gateway.link.publish(gate.state, 'on');
    await backend.link.publish(site.result('door'), 'result');
    await vi.waitFor(
      () => expect(new Set(topics(cockpit.heard))).toEqual(new Set([gate.state, site.result('door')])),
      WAIT,
    );
    for (const topic of [
      site.result('door'),
      gate.command('x', '1'),
      `${site.prefix}/cockpit/state`,
      gate.state,
    ]) {
      await up(cockpit.link);
      await cockpit.link.publish(topic, 'forged').catch(() => undefined);
    }
    await gateway.link.publish(gate.health, 'last');
    await vi.waitFor(() => expect(topics(backend.heard)).toContain(gate.health), WAIT);
    expect(backend.heard.filter(({ payload }) => payload === 'forged')).toEqual([]);
  });

  it('shows the open alerts to who may read, and clears what is not open any more, also what an earlier backend left', async () => {
    const north = await makeTestSite(SITE);
    const { alerts } = north.store;
    const log = createLogger({ name: 'test', level: 'error', format: 'json' });
    const cockpit = await enter('cockpit', {}, [site.alerts]);
    const { link } = await enter('backend');
    const [left, door] = [site.alert('old', 'door'), site.alert('intruder', 'door:zone:gate')];
    await link.publish(left, '{}', { retain: true });
    let changes = 0;
    const onChange = () => {
      changes += 1;
    };
    const publisher = new AlertPublisher({
      ...{ store: north.store, site: SITE, link, clock: systemClock, log, onChange },
    });
    publisher.listen();
    const heardOf = (topic: string, { heard }: { heard: readonly Heard[] }) =>
      heard.filter((one) => one.topic === topic).map(({ payload }) => payload);
    await vi.waitFor(async () => {
      await publisher.publish();
      expect(heardOf(left, cockpit)).toEqual(['{}', '']);
    }, PATIENCE);

    const subject = { kind: 'camera', name: 'door', zone: 'gate' } as const;
    const { alert } = await alerts.raise({
      ...{ rule: 'intruder', severity: 'critical', subject, title: 'Someone', message: 'at the door' },
      ...{ atMs: 1000, notify: [] },
    });
    for (let twice = 0; twice < 2; twice++) await publisher.publish();
    await vi.waitFor(() => expect(heardOf(door, cockpit)).toEqual([JSON.stringify(alert)]), PATIENCE);
    const late = await enter('cockpit', {}, [site.alerts]);
    await vi.waitFor(
      () => expect(late.heard).toMatchObject([{ topic: door, payload: JSON.stringify(alert), retain: true }]),
      PATIENCE,
    );
    const taken = (await alerts.acknowledge(alert.id, 'anna', 2000))?.alert;
    await publisher.publish();
    // Another broker, for all that is known.
    publisher.linkUp();
    await publisher.publish();
    await alerts.end('intruder', subject, 3000);
    await publisher.publish();
    const said = [JSON.stringify(alert), JSON.stringify(taken), JSON.stringify(taken), ''];
    await vi.waitFor(() => expect(heardOf(door, cockpit)).toEqual(said), PATIENCE);
    expect(changes).toBe(3);

    // A rule about a camera that is about a gateway of its name now, while what it raised is still open.
    const raised = {
      rule: 'silent',
      severity: 'info',
      title: 'Silent',
      message: '',
      atMs: 4000,
      notify: [],
    } as const;
    await alerts.raise({ ...raised, subject: { kind: 'camera', name: 'yard' } });
    await alerts.endAllOf('silent', 5000);
    const newest = await alerts.raise({ ...raised, subject: { kind: 'gateway', name: 'yard' } });
    for (let thrice = 0; thrice < 3; thrice++) await publisher.publish();
    await link.publish(door, 'last', { retain: true });
    await vi.waitFor(() => expect(heardOf(door, cockpit)).toContain('last'), PATIENCE);
    expect(heardOf(site.alert('silent', 'yard'), cockpit)).toEqual([JSON.stringify(newest.alert)]);
    await north.close();
  });

  it('keeps retained messages, replaces and removes them, also over a restart', async () => {
    const gateway = await enter('gate-1');
    const backend = await enter('backend');
    await gateway.link.publish(gate.state, 'first', { retain: true });
    await gateway.link.publish(gate.state, 'second', { retain: true });
    await gateway.link.publish(gate.reported, 'gone', { retain: true });
    await gateway.link.publish(gate.reported, '', { retain: true });
    await backend.link.publish(gate.bundleManifest, Buffer.from([0, 255, 1]), { retain: true });
    const filters = [gate.state, gate.reported, gate.bundleManifest];
    const kept = (heard: readonly Heard[]) =>
      vi.waitFor(() => {
        expect(new Set(topics(heard))).toEqual(new Set([gate.state, gate.bundleManifest]));
        expect(heard.find(({ topic }) => topic === gate.state)).toMatchObject({
          payload: 'second',
          retain: true,
        });
        expect(heard.find(({ topic }) => topic === gate.bundleManifest)).toMatchObject({
          bytes: 3,
          retain: true,
        });
      }, WAIT);
    await kept((await enter('backend', {}, filters)).heard);
    await broker.restart();
    await up(gateway.link);
    await kept((await enter('backend', {}, filters)).heard);
  });

  it('publishes the will of a connection that breaks, and not of one that takes leave', async () => {
    const backend = await enter('backend', {}, [gate.state, other.state]);
    const abort = new AbortController();
    await enter('gate-1', {
      will: { topic: gate.state, payload: 'lost', retain: true },
      signal: abort.signal,
    });
    const polite = await enter('gate-2', { will: { topic: other.state, payload: 'lost' } });
    // What is retained of earlier comes when it comes.
    const said = () => backend.heard.filter(({ retain }) => !retain);
    abort.abort();
    await polite.link.close([{ topic: other.state, payload: 'stopped' }]);
    await vi.waitFor(() => expect(said()).toHaveLength(2), WAIT);
    expect(
      said()
        .map(({ topic, payload }) => `${topic} ${payload}`)
        .sort(),
    ).toEqual([`${gate.state} lost`, `${other.state} stopped`].sort());
  });

  it('does not publish a will to a topic of others', async () => {
    const backend = await enter('backend', {}, [`${site.prefix}/#`]);
    const abort = new AbortController();
    const forger = open(issued.get('gate-1'), 'forger', {
      will: { topic: other.state, payload: 'forged' },
      signal: abort.signal,
    });
    await systemClock.sleep(300);
    abort.abort();
    await forger.close();
    await backend.link.publish(site.result('door'), 'last');
    await vi.waitFor(() => expect(topics(backend.heard)).toContain(site.result('door')), WAIT);
    expect(backend.heard.filter(({ payload }) => payload === 'forged')).toEqual([]);
  });

  it.each([gate.cameraState('+'), gate.cameraState('#'), `${gate.prefix}/#`, `${site.prefix}/+/state`, '#'])(
    'lets nobody in whose will is for %s',
    async (topic) => {
      const backend = await enter('backend', {}, ['#', `${site.prefix}/#`]);
      const forger = open(issued.get('gate-1'), 'forger', { will: { topic, payload: 'forged' } });
      // Mosquitto closes the connection without a word for a topic that is none, and lets in whom it has no rule for.
      await systemClock.sleep(300);
      await forger.close();
      await backend.link.publish(site.result('door'), 'last');
      await vi.waitFor(() => expect(topics(backend.heard)).toContain(site.result('door')), WAIT);
      expect(backend.heard.filter(({ payload }) => payload === 'forged')).toEqual([]);
    },
  );

  it('lets a gateway in while 520 connections say nothing', async () => {
    const idle = Array.from({ length: 520 }, () =>
      connect(broker.port, '127.0.0.1').on('error', () => undefined),
    );
    await Promise.all(idle.map((socket) => once(socket, 'connect')));
    const { link } = await enter('gate-1');
    await link.publish(gate.health, 'well');
    for (const socket of idle) socket.destroy();
  });

  async function confirmAll(): Promise<Link> {
    const backend = open(issued.get('backend'), `receiving-${links.size}`);
    backend.subscribe(site.inferences, (topic, payload) => {
      const [, , , name = ''] = topic.split('/');
      const receipt: Receipt = { received: [envelopeDigest(payload)] };
      void backend.publish(gatewayTopics(SITE, name).receipt, JSON.stringify(receipt));
    });
    await up(backend);
    return backend;
  }

  it('carries what others say, and their receipts, while one gateway has a hundred connections', async () => {
    await Promise.all([...links].map((link) => link.close()));
    links.clear();
    const backend = await confirmAll();
    const neighbor = await enter('gate-2', {}, [other.receipt]);
    const down: string[] = [];
    neighbor.link.onDown(() => down.push('down'));
    const { certificate: cert, key } = issued.get('gate-3')!;
    const crowd: TLSSocket[] = [];
    const before = broker.told?.().dropped ?? 0;
    const openOne = async (clientId: string) => {
      const socket = connectTls({
        ...{ port: broker.port, host: 'localhost' },
        ca: authority.certificate,
        cert,
        key,
      });
      crowd.push(socket.on('error', () => undefined));
      socket.write(connectPacket(clientId));
      expect(await once(socket, 'data')).toEqual([Buffer.from([0x20, 2, 0, 0])]);
    };
    for (let i = 0; i < 100; i += 10)
      await Promise.all(Array.from({ length: 10 }, (_, k) => openOne(`gate-3-${i + k}`)));
    const newcomer = await enter('gate-2', {}, [other.receipt]);
    const said = [neighbor, newcomer].map(({ link }, i) => ({ link, body: Buffer.alloc(50_000, i + 1) }));
    for (const { link, body } of said) await link.publish(other.inference('door'), body);
    for (const { heard } of [neighbor, newcomer])
      await vi.waitFor(() => {
        const received = heard.flatMap(({ payload }) => parseMessage(Receipt, Buffer.from(payload)).received);
        expect(new Set(received)).toEqual(new Set(said.map(({ body }) => envelopeDigest(body))));
      }, WAIT);
    expect(down).toEqual([]);
    // Who stays is the newest; Mosquitto and NATS count all clients together only.
    const bound = broker.told ? 32 : 100;
    await vi.waitFor(() => {
      expect(crowd.filter(({ closed }) => !closed)).toHaveLength(bound);
      const { connected = [], dropped = 0, lines: written = [] } = broker.told?.() ?? {};
      expect(connected.filter((name) => name === 'gate-3')).toHaveLength(broker.told ? bound : 0);
      expect(dropped).toBeGreaterThanOrEqual(before + 100 - bound);
      expect(written.some((line) => line.includes('gate-3: more than 32 connections'))).toBe(!!broker.told);
    }, WAIT);
    for (const socket of crowd) socket.destroy();
    await backend.close();
  });

  it('carries receipts from the backend to the one gateway, for any bytes', async () => {
    await confirmAll();
    const gateway = await enter('gate-1', {}, [gate.receipt]);
    const neighbor = await enter('gate-2', {}, [other.receipt, gate.receipt]);
    const bodies = Array.from({ length: 20 }, (_, i) => Buffer.alloc(50_000, i));
    await Promise.all(bodies.map((body) => gateway.link.publish(gate.inference('door'), body)));
    await vi.waitFor(() => expect(gateway.heard).toHaveLength(bodies.length), WAIT);
    const received = gateway.heard.flatMap(
      ({ payload }) => parseMessage(Receipt, Buffer.from(payload)).received,
    );
    expect(new Set(received)).toEqual(new Set(bodies.map(envelopeDigest)));
    expect(neighbor.heard).toEqual([]);
  });

  it('carries a message of nearly the limit and cuts off one beyond it, alone', async () => {
    const backend = await enter('backend', {}, [site.inferences]);
    const gateway = await enter('gate-1');
    const neighbor = await enter('gate-2');
    const down: string[] = [];
    neighbor.link.onDown(() => down.push('down'));
    await gateway.link.publish(gate.inference('door'), Buffer.alloc(250 * 1024));
    await vi.waitFor(() => expect(backend.heard.map(({ bytes }) => bytes)).toEqual([250 * 1024]), WAIT);
    const tooLarge = gateway.link.publish(gate.inference('door'), Buffer.alloc(300 * 1024));
    if (broker.takesAnySize) await tooLarge;
    else await expect(tooLarge).rejects.toMatchObject({ code: 'LINK_DOWN' });
    await up(gateway.link);
    await gateway.link.publish(gate.inference('door'), 'after');
    await vi.waitFor(() => expect(backend.heard.at(-1)?.payload).toBe('after'), WAIT);
    expect(backend.heard).toHaveLength(broker.takesAnySize ? 3 : 2);
    expect(down).toEqual([]);
  });

  it('lets a gateway that was withdrawn in no more, and the others as before', async () => {
    await (await enter('gate-3')).link.close();
    const { serialNumber } = new X509Certificate(issued.get('gate-3')!.certificate);
    const list = await authority.revocationList([{ serialNumber, revokedMs: Date.now() }], Date.now());
    await writeFile(join(folder, 'revoked.crl'), list);
    await writeFile(join(folder, 'revoked-gateways'), 'gate-3\n');
    broker.reload();
    await vi.waitFor(
      async () => expect(await refusal(open(issued.get('gate-3'), 'gate-3'))).toMatch(/^LINK_/),
      { timeout: 120_000 },
    );
    await enter('gate-2');
    await enter('backend');
    await broker.restart();
    expect(await refusal(open(issued.get('gate-3'), 'gate-3'))).toMatch(/^LINK_/);
    await enter('gate-2');
  });
});
