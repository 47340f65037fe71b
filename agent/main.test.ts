import { existsSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyProgram } from '#fhe';
import { runClear } from '#fhe/design';
import { createDecryptor } from '#fhe/secret';
import { worstError } from '#fhe/testing';
import { mountSmallDisk, NO_MOUNT, type SmallDisk } from '#runtime/testing/small-disk.ts';
import { makeBundle, makeNetwork, type TestBundle, type TestNetwork } from './testing/make-bundle.ts';
import { RtspServer } from './testing/rtsp-server.ts';
import { TestBackend } from './testing/test-backend.ts';
import { TestSite } from './testing/test-site.ts';
import { until } from './testing/until.ts';

const PASSWORD = 'oran:ge s3cret';

let camera: RtspServer;
let site: TestSite;
let backend: TestBackend;
/** Under the outbox of the gateway; null where this user may not mount. */
let disk: SmallDisk | null = null;
let network: TestNetwork;
let bundle: TestBundle;

beforeAll(async () => {
  camera = await RtspServer.start({ login: { user: 'viewer', password: PASSWORD } });
  network = await makeNetwork();
  const whole = '[[0, 0], [1, 0], [1, 1], [0, 1]]';
  site = await TestSite.create(
    [
      `  - name: front`,
      `    url: rtsp://127.0.0.1:${camera.port}/live`,
      '    credentials: front.credentials',
      '    rate: 5',
      '    stallSeconds: 2',
      `    masks: [${whole}]`,
    ].join('\n'),
  );
  const outbox = join(site.directory, 'data', 'outbox');
  await mkdir(outbox, { recursive: true });
  disk = mountSmallDisk(16, outbox);
  await site.write('front.credentials', `viewer:${PASSWORD}\n`);
  bundle = makeBundle(network, site.owner.privateKey);
});

afterAll(async () => {
  await backend?.close();
  await site?.stopAgent('SIGKILL');
  disk?.unmount();
  await site?.close();
  await camera?.stop();
});

const numbers = () => backend.envelopes.map((envelope) => `${envelope.session}/${envelope.sequence}`);
const stored = async () =>
  (await readdir(join(site.directory, 'data', 'outbox'))).filter((name) => name.endsWith('.envelope'));
const more = (count: number) => {
  const from = backend.envelopes.length;
  return until(`${count} more answers`, () => backend.envelopes.length >= from + count);
};

const streams = () => backend.cameras.some((state) => state.state === 'streaming');
const isRunning = (pid: number) => existsSync(`/proc/${pid}`);

/** One story: each step starts where the one before it ended. */
describe('a gateway', () => {
  it('starts and runs without broker, backend and bundle', async () => {
    site.startAgent();
    await until('the camera', () => site.logs.includes('camera is streaming'));
    expect(site.logs).toContain('no link');
  });

  it('introduces itself when the broker comes', async () => {
    await site.startBroker();
    backend = await TestBackend.connect(site);
    await until('a birth', () => backend.births.length > 0);
    const [birth] = backend.births;
    expect(birth).toMatchObject({ gateway: 'gate-1', cameras: ['front'], bundle: null });
    await until('its states', () => backend.states.length > 0 && backend.reports.length > 0 && streams());
    expect(backend.states.at(-1)).toMatchObject({
      state: 'online',
      reason: 'started',
      session: birth?.session,
    });
    expect(backend.reports.at(-1)?.bundle).toMatchObject({ status: 'none', active: null });
    const health = await until('health', () => backend.health.at(-1));
    expect(health.outbox).toEqual({ waiting: 0, bytes: 0, dropped: 0, oldestSeconds: 0 });
    expect(health.processMegabytes).toBeGreaterThan(10);
  });

  it('takes a bundle and sends answers that only the owner can open, of pictures behind the mask', async () => {
    await backend.announce('online');
    await backend.deploy(bundle);
    await until('activation', () => backend.reports.at(-1)?.bundle.status === 'active');
    await until('answers', () => backend.envelopes.length >= 3);
    const envelope = backend.envelopes.at(-1)!;
    expect(envelope).toMatchObject({
      site: 'town',
      gateway: 'gate-1',
      camera: 'front',
      bundle: bundle.digest,
    });
    expect(envelope).toMatchObject({ interpreter: 'reference', historical: false });
    expect(envelope.readyTimeMs).toBeGreaterThan(envelope.frameTimeMs);
    expect(envelope.timings.evaluateMs).toBeGreaterThan(0);
    const decryptor = await createDecryptor(verifyProgram(network.program), network.keys);
    const slots = decryptor.decrypt(envelope.ciphertext);
    decryptor.close();
    // The mask covers the whole picture: the network saw black.
    const black = runClear(verifyProgram(network.program), network.constants, new Float32Array(64));
    expect(worstError(slots, black)).toBeLessThan(0.01);
    await until('an empty outbox', async () => (await stored()).length === 0);
    const pictures = await until(
      'counts',
      () => backend.health.find((health) => health.pictures?.answered)?.pictures,
    );
    expect(pictures.captured).toBeGreaterThan(pictures.answered);
    expect(pictures.failed).toBe(0);
  });

  it('keeps answers while the backend is away, and sends them in order when it is back, once each', async () => {
    await backend.announce('offline');
    await until('stored answers', async () => (await stored()).length >= 3);
    const before = backend.envelopes.length;
    await delay(500);
    expect(backend.envelopes.length - before).toBeLessThanOrEqual(1);
    await backend.announce('online');
    await more(5);
    await until('an empty outbox', async () => (await stored()).length === 0);
    expect(backend.envelopes.filter((envelope) => envelope.historical).length).toBeGreaterThanOrEqual(3);
    expect(new Set(numbers()).size).toBe(numbers().length);
    // What waited leaves beside what is current, each in order, and none is missing.
    const ascending = (some: readonly number[]) => some.toSorted((a, b) => a - b);
    for (const historical of [true, false]) {
      const some = backend.envelopes.filter((one) => one.historical === historical);
      const sequences = some.map((one) => one.sequence);
      expect(sequences).toEqual(ascending(sequences));
    }
    const all = backend.envelopes.map((envelope) => envelope.sequence);
    expect(ascending(all)).toEqual([...all.keys()].map((index) => index + 1));
  });

  it('sends again what was not confirmed, after the broker was away', async () => {
    backend.receipts = false;
    await more(2);
    const unconfirmed = numbers().slice(-2);
    const births = backend.births.length;
    await site.stopBroker();
    await until('answers stored meanwhile', async () => (await stored()).length >= 5);
    await site.startBroker();
    await until('a birth', () => backend.births.length > births);
    backend.receipts = true;
    await backend.announce('online');
    await until('a resend', () => numbers().filter((number) => unconfirmed.includes(number)).length >= 4);
    const [last, earlier] = [backend.births.at(-1)!, backend.births.at(-2)!];
    expect(last.session).toBeGreaterThan(earlier.session);
    await until('an empty outbox', async () => (await stored()).length <= 1);
  });

  it('loses nothing when it is killed, and goes on with its bundle in a new session', async () => {
    backend.receipts = false;
    await until('unconfirmed answers', async () => (await stored()).length >= 2);
    const children = site.agentChildren();
    expect(children.length).toBeGreaterThan(0);
    await site.stopAgent('SIGKILL');
    const kept = await stored();
    await until('the last will', () => backend.states.at(-1)?.reason === 'lost');
    const { session } = backend.births.at(-1)!;
    expect(backend.states.at(-1)?.session).toBe(session);
    backend.receipts = true;
    const requests = backend.requests.length;
    const from = backend.envelopes.length;
    site.startAgent();
    await until('a birth', () => backend.births.at(-1)!.session > session);
    await until('answers of the new session', () => backend.envelopes.at(-1)!.session > session);
    const sent = backend.envelopes.slice(from).map((e) => `${e.session}/${e.sequence}`);
    const waited = kept.map((name) => name.split('-').slice(0, 2).map(Number).join('/'));
    expect(sent.slice(0, waited.length)).toEqual(waited);
    expect(backend.requests.length).toBe(requests);
    expect(backend.births.at(-1)?.bundle).toBe(bundle.digest);
    await until('the end of orphans', () => !children.some(isRunning));
  });

  it('names a full disk to log, journal and page, once, and goes on when there is space', async ({
    skip,
  }) => {
    if (disk === null) return skip(NO_MOUNT);
    // Again and again: an answer that was on its way leaves room when its receipt comes.
    const whileFull = <T>(look: () => T): T => {
      disk?.fill();
      return look();
    };
    const trouble = {
      code: 'DISK_FULL',
      message: expect.stringContaining('the disk of the gateway is full'),
    };
    await until('trouble in the health', () => whileFull(() => backend.health.at(-1)?.outbox.trouble));
    expect(backend.health.at(-1)?.outbox.trouble).toEqual(trouble);
    await until('several lost', () => whileFull(() => (backend.health.at(-1)?.outbox.dropped ?? 0) >= 5));
    expect(site.logs.match(/DISK_FULL/g)).toHaveLength(1);
    expect(site.logs.slice(site.logs.indexOf('DISK_FULL'))).not.toMatch(/"stack"|lost on the way/);
    expect(backend.events.filter(({ code }) => code === 'DISK_FULL')).toMatchObject([{ level: 'error' }]);
    expect(backend.events.filter(({ code }) => code === 'OUTBOX_DROPPED')).toEqual([]);
    disk.empty();
    await more(3);
    site.logs = site.logs.replaceAll(/.*DISK_FULL.*/g, '');
  });

  it('says goodbye, ends its children and has kept the password to itself', async () => {
    const children = site.agentChildren();
    expect(children.length).toBeGreaterThan(0);
    expect(await site.stopAgent('SIGTERM')).toBe(0);
    await until('the end of its children', () => !children.some(isRunning));
    await until('the goodbye', () => backend.states.at(-1)?.reason === 'stopped');
    expect(site.logs).not.toContain('s3cret');
    // The certificates of this test are for a day.
    expect(site.logs.match(/"level":"warn".*"CERTIFICATE_ENDS".*gate-1\.pem expires on/g)).not.toBeNull();
    const { cameras, events, births } = backend;
    expect(JSON.stringify({ cameras, events, births })).not.toContain('s3cret');
    expect(site.logs).not.toMatch(/"level":"(error|fatal)"/);
  });
});
