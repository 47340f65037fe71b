import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import fc from 'fast-check';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Authority, createAuthority, type Issued } from '#backend/enrolment/authority.ts';
import { BrokerConfig } from '#config/schema.ts';
import { gatewayTopics, siteTopics } from '#protocol/topics.ts';
import { type Clock, systemClock } from '#runtime/clock.ts';
import { connectLink, type Link, type LinkOptions } from '#runtime/link.ts';
import { RetryLadder } from '#runtime/retry.ts';
import { SimulatedClock } from '#runtime/simulated-clock.ts';
import { type Broker, startBroker } from './main.ts';
import { logLines } from './testing/log-lines.ts';
import { connectPacket, subscribePacket } from './testing/packets.ts';

const WAIT = { timeout: 120_000 };
const GRACE_MS = 60_000;
const gate = gatewayTopics('north', 'gate-1');
const site = siteTopics('north');
const { lines, log } = logLines();

let authority: Authority;
const issued: Record<string, Issued> = {};
beforeAll(async () => {
  authority = await createAuthority();
  issued.broker = await authority.issue({ kind: 'broker', commonName: 'broker', days: 1 });
  issued.backend = await authority.issue({ kind: 'backend', commonName: 'backend', days: 1 });
  for (const commonName of ['gate-1', 'gate-2']) {
    issued[commonName] = await authority.issue({ kind: 'gateway', commonName, days: 1 });
  }
});

let folder: string;
let config: BrokerConfig;
const cleanup: (() => Promise<unknown>)[] = [];
beforeEach(async () => {
  lines.length = 0;
  folder = await mkdtemp(join(tmpdir(), 'blindsight-broker-'));
  await writeFile(join(folder, 'ca.pem'), authority.certificate);
  await writeFile(join(folder, 'broker.pem'), issued.broker!.certificate);
  await writeFile(join(folder, 'broker.key'), issued.broker!.key, { mode: 0o600 });
  config = BrokerConfig.parse({
    site: 'north',
    port: 0,
    data: join(folder, 'data'),
    ca: join(folder, 'ca.pem'),
    certificate: join(folder, 'broker.pem'),
    key: join(folder, 'broker.key'),
    revoked: join(folder, 'revoked-gateways'),
  });
});
afterEach(async () => {
  while (cleanup.length > 0) await cleanup.pop()?.();
  await rm(folder, { recursive: true });
});

async function start(changes: Partial<BrokerConfig> = {}, clock: Clock = systemClock): Promise<Broker> {
  const broker = await startBroker({ config: { ...config, ...changes }, log, willGraceMs: GRACE_MS, clock });
  cleanup.push(() => broker.close());
  return broker;
}

function open(port: number, name: string, options: Partial<LinkOptions> = {}): Link {
  const link = connectLink({
    url: `mqtts://127.0.0.1:${port}`,
    ca: authority.certificate,
    certificate: issued[name]!.certificate,
    key: issued[name]!.key,
    clientId: name,
    clock: systemClock,
    log,
    ladder: new RetryLadder([30]),
    ...options,
  });
  cleanup.push(() => link.close());
  return link;
}

async function enter(port: number, name: string, options: Partial<LinkOptions> = {}) {
  const link = open(port, name, options);
  const heard: string[] = [];
  link.subscribe(
    name === 'backend' ? `${site.prefix}/#` : gatewayTopics('north', name).receipt,
    (topic, payload) =>
      heard.push(`${topic.slice(site.prefix.length + 1)} ${Buffer.from(payload).toString().slice(0, 20)}`),
  );
  await up(link);
  return { link, heard };
}

const up = (link: Link) =>
  vi.waitFor(() => expect(link.connected).toBe(true), { timeout: 120_000, interval: 10 });

/** A connection without a client behind it. */
function dial(port: number, name: string): TLSSocket {
  const { certificate: cert, key } = issued[name]!;
  return connectTls({ port, host: '127.0.0.1', ca: authority.certificate, cert, key });
}

/** A broker in a process of its own, which can be killed. */
async function spawned(): Promise<{ child: ChildProcess; port: number }> {
  const script = `
    import { startBroker } from '#broker/main.ts';
    import { createLogger } from '#runtime/log.ts';
    const log = createLogger({ name: 'broker', level: 'error', format: 'json' });
    const broker = await startBroker({ config: ${JSON.stringify(config)}, log });
    console.log(broker.port);`;
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
    cwd: join(import.meta.dirname, '..'),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  cleanup.push(() => killed(child));
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout?.once('data', (data) => resolve(Number(data)));
    child.once('exit', (code) => reject(new Error(`the broker ended with ${code}`)));
  });
  return { child, port };
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

describe('startBroker', () => {
  it('keeps a bounded number of retained messages of bounded size for a gateway, over restarts too', async () => {
    const retain = (link: Link, topic: string, payload = 'x') =>
      link.publish(topic, payload, { retain: true });
    const broker = await start();
    const first = await enter(broker.port, 'gate-1');
    for (let i = 0; i < 256; i++) await retain(first.link, gate.cameraState(`camera-${i}`));
    await broker.close();
    const again = await start();
    const { link } = await enter(again.port, 'gate-1');
    await retain(link, gate.cameraState('camera-7'), 'again');
    await expect(retain(link, gate.cameraState('one-too-many'))).rejects.toMatchObject({ code: 'LINK_DOWN' });
    await up(link);
    const large = 'x'.repeat(16_385);
    await expect(retain(link, gate.cameraState('camera-7'), large)).rejects.toMatchObject({
      code: 'LINK_DOWN',
    });
    await up(link);
    // A topic that is given back makes room.
    await retain(link, gate.cameraState('camera-7'), '');
    await retain(link, gate.state);
    expect(again.health().refused).toBe(2);
  });

  it('keeps every retained message that it acknowledged, and wills, over kill -9', async () => {
    const first = await spawned();
    const will = { topic: gate.state, payload: 'lost', retain: true };
    const gateway = await enter(first.port, 'gate-1', { will });
    await gateway.link.publish(gate.state, 'online', { retain: true });
    const acknowledged: string[] = [];
    for (let i = 0; i < 60; i++) {
      const topic = gate.cameraState(`camera-${i}`);
      void gateway.link.publish(topic, 'streaming', { retain: true }).then(
        () => acknowledged.push(topic.slice(site.prefix.length + 1)),
        () => undefined,
      );
    }
    await vi.waitFor(() => expect(acknowledged.length).toBeGreaterThan(5), { ...WAIT, interval: 1 });
    await killed(first.child);
    await gateway.link.close();

    config = { ...config, port: first.port };
    const clock = new SimulatedClock();
    const second = await start({}, clock);
    const backend = await enter(second.port, 'backend');
    await vi.waitFor(
      () =>
        expect(backend.heard).toEqual(
          expect.arrayContaining([
            'gate-1/state online',
            ...acknowledged.map((topic) => `${topic} streaming`),
          ]),
        ),
      WAIT,
    );
    await clock.advance(GRACE_MS - 1);
    await backend.link.publish(site.backendState, 'online');
    await vi.waitFor(() => expect(backend.heard).toContain('backend/state online'), WAIT);
    expect(backend.heard).not.toContain('gate-1/state lost'); // it may yet come back
    await clock.advance(1);
    await vi.waitFor(() => expect(backend.heard).toContain('gate-1/state lost'), WAIT);
    await second.close();
    const third = await start({ port: first.port });
    const late = await enter(third.port, 'backend', { clientId: 'late' });
    await vi.waitFor(() => expect(late.heard).toContain('gate-1/state lost'), WAIT);
  });

  it('does not publish the will of a client that came back after kill -9', async () => {
    const first = await spawned();
    const will = { topic: gate.state, payload: 'lost', retain: true };
    const gateway = await enter(first.port, 'gate-1', { will });
    await gateway.link.publish(gate.health, 'well');
    await killed(first.child);
    const clock = new SimulatedClock();
    const second = await start({ port: first.port }, clock);
    const backend = await enter(second.port, 'backend');
    await up(gateway.link);
    await clock.advance(GRACE_MS);
    await gateway.link.publish(gate.health, 'still well');
    await vi.waitFor(() => expect(backend.heard).toContain('gate-1/health still well'), WAIT);
    expect(backend.heard).not.toContain('gate-1/state lost');
  });

  it('keeps the client ids of identities apart, and lets a newcomer of the same identity take over', async () => {
    const broker = await start();
    const down: string[] = [];
    const gateway = await enter(broker.port, 'gate-1', { clientId: 'same' });
    gateway.link.onDown(() => down.push('gate-1'));
    const neighbor = await enter(broker.port, 'gate-2', { clientId: 'same' });
    neighbor.link.onDown(() => down.push('gate-2'));
    await systemClock.sleep(100);
    expect(down).toEqual([]);
    expect(broker.health().connected).toEqual(['gate-1', 'gate-2']);
    await enter(broker.port, 'gate-1', { clientId: 'same' });
    await vi.waitFor(() => expect(down).toContain('gate-1'), WAIT);
    expect(down).not.toContain('gate-2');
  });

  it('refuses a forbidden will at once, counts and names it', async () => {
    const broker = await start();
    const link = connectLink({
      url: `mqtts://127.0.0.1:${broker.port}`,
      ca: authority.certificate,
      certificate: issued['gate-1']!.certificate,
      key: issued['gate-1']!.key,
      clientId: 'gate-1',
      will: { topic: site.backendState, payload: 'forged', retain: true },
      clock: systemClock,
      log,
    });
    cleanup.push(() => link.close());
    const reasons: string[] = [];
    link.onDown((reason) => reasons.push(reason.code));
    await vi.waitFor(() => expect(reasons).toEqual(['LINK_REFUSED']), WAIT);
    expect(broker.health().refused).toBe(1);
    expect(lines.some((line) => line.includes('BROKER_ACCESS') && line.includes('backend/state'))).toBe(true);
  });

  it('counts every handshake without certificate, and says so once', async () => {
    const broker = await start();
    for (let index = 0; index < 5; index++) {
      const socket = connectTls({ port: broker.port, host: '127.0.0.1', rejectUnauthorized: false });
      await new Promise<void>((resolve) => {
        socket.on('error', () => {});
        socket.once('close', () => resolve());
      });
    }
    await vi.waitFor(() => expect(broker.health().refused).toBe(5), WAIT);
    expect(lines.filter((line) => line.includes('it shows no certificate'))).toHaveLength(1);
  });

  it('counts what a gateway tries without end, and does not let it fill the log', async () => {
    const broker = await start();
    const { link } = await enter(broker.port, 'gate-1');
    for (let i = 0; i < 100; i++) link.subscribe(`${site.prefix}/results/camera-${i}`, () => {});
    await vi.waitFor(() => expect(broker.health().refused).toBe(100), WAIT);
    expect(lines.filter((line) => line.includes('refused gate-1: a subscription'))).toHaveLength(30);
  });

  it('cuts a withdrawn gateway off, clears what it left, and lets it in no more', async () => {
    const broker = await start();
    const backend = await enter(broker.port, 'backend');
    const stolen = await enter(broker.port, 'gate-1');
    await enter(broker.port, 'gate-2');
    await stolen.link.publish(gate.state, 'online', { retain: true });
    await backend.link.publish(gate.bundleManifest, 'manifest', { retain: true });
    await writeFile(config.revoked, 'gate-1\n');
    await vi.waitFor(() => expect(broker.health().connected).toEqual(['backend', 'gate-2']), WAIT);
    await vi.waitFor(() => expect(lines.some((line) => line.includes('was removed'))).toBe(true), WAIT);
    const retained = async () => {
      const late = await enter(broker.port, 'backend');
      await systemClock.sleep(100);
      return late.heard;
    };
    await vi.waitFor(async () => expect(await retained()).toEqual([]), WAIT);
    await rm(config.revoked);
    await vi.waitFor(() => expect(broker.health().connected).toContain('gate-1'), WAIT);
    await mkdir(config.revoked);
    const reasons: string[] = [];
    open(broker.port, 'gate-2').onDown(({ code }) => reasons.push(code));
    await vi.waitFor(() => expect(reasons).toEqual(['LINK_REFUSED']), WAIT);
  });

  it('refuses to retain what is not meant to be, such as an envelope', async () => {
    const broker = await start();
    const gateway = await enter(broker.port, 'gate-1');
    await gateway.link.publish(gate.inference('door'), 'x', { retain: true }).catch(() => undefined);
    await vi.waitFor(() => expect(broker.health().refused).toBe(1), WAIT);
    const backend = await enter(broker.port, 'backend');
    await systemClock.sleep(100);
    expect(backend.heard).toEqual([]);
  });

  it('serves the others while one does not read, and cuts that one off', async () => {
    const broker = await start({ drainSeconds: 3 });
    const backend = await enter(broker.port, 'backend');
    const sleeper = dial(broker.port, 'backend');
    sleeper.on('error', () => undefined);
    const closed = new Promise((resolve) => sleeper.once('close', resolve));
    sleeper.write(connectPacket('sleeper'));
    sleeper.write(subscribePacket(site.inferences));
    await new Promise((resolve) => sleeper.once('data', resolve));
    sleeper.pause();
    const gateway = await enter(broker.port, 'gate-1');
    const body = Buffer.alloc(200_000, 'x');
    for (let i = 0; i < 100; i++) await gateway.link.publish(gate.inference('door'), body);
    await vi.waitFor(() => expect(backend.heard).toHaveLength(100), WAIT);
    await vi.waitFor(() => expect(broker.health().connected).toEqual(['backend', 'gate-1']), WAIT);
    sleeper.resume();
    await closed;
  });

  it('survives whatever bytes a client with a valid certificate sends', async () => {
    const broker = await start();
    const hello = connectPacket('x');
    const noise = fc.sample(fc.uint8Array({ minLength: 1, maxLength: 400 }), { numRuns: 60, seed: 7 });
    const hostile = [
      ...noise,
      ...noise.map((bytes) => Buffer.concat([hello, bytes])),
      Buffer.concat([hello, hello]),
      Buffer.from(hello).fill(5, 8, 9), // MQTT 5
      Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f]), // 256 MB are to come
    ];
    for (const bytes of hostile) {
      await new Promise<void>((resolve) => {
        const socket = dial(broker.port, 'gate-1');
        socket.on('error', () => undefined).once('close', () => resolve());
        socket.once('secureConnect', () => socket.end(bytes));
        socket.resume();
      });
    }
    const gateway = await enter(broker.port, 'gate-1');
    const backend = await enter(broker.port, 'backend');
    await gateway.link.publish(gate.health, 'well');
    await vi.waitFor(() => expect(backend.heard).toContain('gate-1/health well'), WAIT);
    expect(broker.health().connected).toEqual(['backend', 'gate-1']);
    expect(lines.some((line) => line.includes('a packet of more than'))).toBe(true);
  });

  it('closes cleanly when it is told to, with clients connected, and can start again at once', async () => {
    const abort = new AbortController();
    const broker = await startBroker({ config, log, signal: abort.signal });
    const { link } = await enter(broker.port, 'gate-1');
    abort.abort();
    await broker.close();
    const again = await start({ port: broker.port });
    await up(link);
    expect(again.port).toBe(broker.port);
    await expect(startBroker({ config, log, signal: abort.signal })).rejects.toThrow();
  });

  it('takes a renewed certificate while it runs, and keeps the one before until the files fit together', async () => {
    const broker = await start();
    const gateway = await enter(broker.port, 'gate-1');
    const names = async () => {
      const socket = dial(broker.port, 'gate-1');
      await once(socket, 'secureConnect');
      const { subjectaltname } = socket.getPeerCertificate();
      socket.destroy();
      return String(subjectaltname);
    };
    await writeFile(join(folder, 'broker.pem'), 'half a copy');
    const warned = () =>
      lines.filter((line) => line.includes('broker.pem (certificate) is not a certificate in PEM form'));
    await vi.waitFor(() => expect(warned()).toHaveLength(1), WAIT);
    expect(await names()).toBe('DNS:localhost, IP Address:127.0.0.1');
    const renewed = await authority.renew({
      kind: 'broker',
      commonName: 'broker',
      certificate: issued.broker!.certificate,
      subjectAltNames: ['broker.example.org'],
      days: 1,
    });
    await writeFile(join(folder, 'broker.pem'), renewed);
    await vi.waitFor(async () => expect(await names()).toContain('DNS:broker.example.org'), {
      ...WAIT,
      interval: 200,
    });
    expect(warned()).toHaveLength(1);
    expect(gateway.link.connected).toBe(true);
    // Who may come in is as before.
    const stranger = { kind: 'gateway', commonName: 'gate-1', days: 1 } as const;
    const { certificate: cert, key } = await (await createAuthority()).issue(stranger);
    const intruder = connectTls({
      port: broker.port,
      host: '127.0.0.1',
      rejectUnauthorized: false,
      cert,
      key,
    });
    intruder.on('error', () => undefined).write(connectPacket('x'));
    const said: Buffer[] = [];
    intruder.on('data', (data: Buffer) => said.push(data));
    await new Promise<void>((resolve) => intruder.once('close', () => resolve()));
    // CONNACK, not authorized.
    expect(Buffer.concat(said)).toEqual(Buffer.from([0x20, 2, 0, 5]));
    expect(broker.health().connected).toEqual(['gate-1']);
  });

  it('says who was refused for which certificate, and from where', async () => {
    const broker = await start();
    const at = async <T>(ms: number, make: () => Promise<T>) => {
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + ms });
      return make().finally(() => vi.useRealTimers());
    };
    const gateway = { kind: 'gateway', commonName: 'gate-1', days: 1 } as const;
    const foreign = await createAuthority('Blindsight south');
    const cases = {
      foreign: await foreign.issue(gateway),
      old: await at(-10 * 86_400_000, () => authority.issue(gateway)),
      early: await at(10 * 86_400_000, () => authority.issue(gateway)),
      server: issued.broker!,
    };
    for (const { certificate, key } of Object.values(cases)) {
      const link = connectLink({
        url: `mqtts://localhost:${broker.port}`,
        ca: authority.certificate,
        certificate,
        key,
        clientId: 'gate-1',
        clock: systemClock,
        log,
        ladder: new RetryLadder([60_000]),
      });
      const refused = new Promise<string>((resolve) => link.onDown((reason) => resolve(reason.code)));
      expect(await refused).toBe('LINK_REFUSED');
      await link.close();
    }
    const said = lines.map((line) => JSON.parse(line).msg).filter((text) => text.startsWith('refused'));
    expect(said).toEqual([
      expect.stringMatching(
        /^refused (::ffff:)?127\.0\.0\.1: a certificate of "gate-1" from "Blindsight south", not our authority$/,
      ),
      expect.stringMatching(
        /^refused gate-1: its certificate expired on \d{4}-\d\d-\d\d \d\d:\d\d UTC \(the clock .* from \S+$/,
      ),
      expect.stringMatching(
        /^refused gate-1: its certificate is not valid before .* UTC: set the clock; from \S+$/,
      ),
      expect.stringMatching(/^refused broker: no valid certificate \(it is not for a client\); from \S+$/),
    ]);
    expect(broker.health()).toEqual({ connected: [], refused: 4, dropped: 0 });
  });

  it('says that two programs run under one name, and nothing when one comes back', async () => {
    const broker = await start();
    const twice = () => lines.filter((line) => line.includes('two programs connect as'));
    const one = await enter(broker.port, 'gate-2');
    for (let i = 0; i < 4; i++) {
      // As a network does that is gone and back, without a word to the broker; and as an agent that is started anew.
      await one.link.close();
      one.link = (await enter(broker.port, 'gate-2')).link;
    }
    expect(twice()).toEqual([]);
    await enter(broker.port, 'gate-1', { clientId: 'same' });
    await enter(broker.port, 'gate-1', { clientId: 'same' }).catch(() => undefined);
    await vi.waitFor(() => expect(twice()).toHaveLength(1), WAIT);
    expect(twice()[0]).toMatch(/two programs connect as gate-1 .*from \S+ port \d+ and from \S+ port \d+/);
    // The two agents suspect it themselves, and say it once however long they quarrel.
    const own = () => lines.filter((line) => line.includes('most likely another program connects as same'));
    await vi.waitFor(() => expect(own().length).toBeGreaterThanOrEqual(2), WAIT);
    await systemClock.sleep(500);
    expect(own().length).toBeLessThanOrEqual(2);
    expect(twice()).toHaveLength(1);
  });

  it('says why it cannot start', async () => {
    const broker = await start();
    await expect(start({ port: broker.port })).rejects.toMatchObject({
      code: 'BROKER_LISTEN',
      message: `cannot listen on 127.0.0.1:${broker.port}: EADDRINUSE`,
    });
    await expect(start({ ca: join(folder, 'none.pem') })).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
    await writeFile(join(folder, 'other.key'), issued.backend!.key, { mode: 0o600 });
    await expect(start({ key: join(folder, 'other.key') })).rejects.toMatchObject({
      code: 'BROKER_CERTIFICATE',
      message: `${folder}/other.key (key) is not the key of ${folder}/broker.pem (certificate): the two are not from the same package`,
    });
    await expect(start({ key: join(folder, 'broker.pem') })).rejects.toMatchObject({
      code: 'SECRET_EXPOSED',
    });
    await writeFile(join(folder, 'no.key'), 'secret words', { mode: 0o600 });
    await expect(start({ key: join(folder, 'no.key') })).rejects.toMatchObject({
      code: 'BROKER_CERTIFICATE',
      message: `${folder}/no.key (key) is not a private key in PEM form`,
    });
    await chmod(join(folder, 'broker.key'), 0o644);
    await expect(start()).rejects.toMatchObject({ code: 'SECRET_EXPOSED' });
  });
});
