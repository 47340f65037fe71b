import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Aedes } from 'aedes';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SessionCounter } from '#agent/uplink/session-counter.ts';
import { Uplink } from '#agent/uplink/uplink.ts';
import { GatewayListener } from '#backend/results/gateway-listener.ts';
import { SiteView } from '#backend/results/site-view.ts';
import { enrolTestGateway, makeTestSite, type TestSite } from '#backend/testing/test-site.ts';
import type { Birth } from '#protocol/messages.ts';
import { siteTopics } from '#protocol/topics.ts';
import { type Clock, systemClock } from '#runtime/clock.ts';
import { connectLink, type Link } from '#runtime/link.ts';
import { createLogger } from '#runtime/log.ts';
import { RetryLadder } from '#runtime/retry.ts';

const log = createLogger({ name: 'test', level: 'error', format: 'json', destination: { write: () => {} } });
const WAIT = { timeout: 120_000, interval: 10 };
const NO_BUNDLE = {
  status: 'none',
  active: null,
  previous: null,
  counter: 0,
  progress: 0,
  subject: null,
  error: null,
} as const;
const OUTBOX = { waiting: 0, bytes: 0, dropped: 0, oldestSeconds: 0 };
/** A machine whose clock was never set. */
const unsetClock: Clock = { ...systemClock, now: () => 1000 };

describe('two processes with the identity of one gateway', () => {
  let folder: string;
  let site: TestSite;
  let broker: Aedes;
  let server: Server;
  let view: SiteView;
  let births: Birth[];
  let backendLink: Link;
  const uplinks: Uplink[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'blindsight-twice-'));
    site = await makeTestSite();
    await enrolTestGateway(site, 'gate');
    broker = await Aedes.createBroker();
    server = createServer((socket) => void broker.handle(socket));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    view = new SiteView('yard', site.store, systemClock);
    births = [];
    backendLink = dial('backend');
    const { store } = site;
    const reported = async () => {};
    const onChange = () => {};
    new GatewayListener({ store, site: 'yard', view, reported, clock: systemClock, log, onChange }).listen(
      backendLink,
    );
    backendLink.subscribe(siteTopics('yard').anyGateway('birth'), (_, payload) => {
      births.push(JSON.parse(Buffer.from(payload).toString()) as Birth);
    });
    await vi.waitFor(() => expect(backendLink.connected).toBe(true), WAIT);
    const state = { state: 'online', session: 1, time: '2026-01-01T00:00:00.000Z' };
    await backendLink.publish(siteTopics('yard').backendState, JSON.stringify(state), { retain: true });
  });
  afterEach(async () => {
    await Promise.all(uplinks.splice(0).map((uplink) => uplink.close()));
    await backendLink.close();
    server.close();
    await new Promise<void>((resolve) => broker.close(resolve));
    await site.close();
    await rm(folder, { recursive: true });
  });

  function dial(clientId: string, will?: Parameters<typeof connectLink>[0]['will']): Link {
    const { port } = server.address() as AddressInfo;
    const ladder = new RetryLadder([60]);
    const url = `mqtt://127.0.0.1:${port}`;
    return connectLink({ url, clientId, ...(will && { will }), clock: systemClock, log, ladder });
  }

  /** A gateway process; says its health on each connection. */
  function startGateway(
    sessions: SessionCounter,
    uptimeSeconds: number,
  ): { uplink: Uplink; told: unknown[] } {
    const told: unknown[] = [];
    const uplink = new Uplink({
      site: 'yard',
      gateway: 'gate',
      sessions,
      clock: systemClock,
      log,
      connect: (will) => dial('gate', will),
      birth: () => ({ version: '1', platform: 'test', cameras: [], bundle: null }),
      cameraStates: () => [],
      goneCameras: { gone: [], forget: async () => {} },
      reported: () => ({ bundle: NO_BUNDLE }),
      onConfiguration: () => {},
      onCommand: () => {},
      onSoftware: () => {},
      onTrust: () => {},
      onAuditor: () => {},
      onChallenge: () => {},
      onUp: () =>
        uplink.publishHealth({
          uptimeSeconds,
          cpuPercent: 0,
          memoryPercent: 0,
          processMegabytes: 0,
          temperatureCelsius: null,
          diskFreePercent: null,
          outbox: OUTBOX,
        }),
      onBackend: (session) => told.push(session),
      onReceipt: () => {},
      onManifest: () => {},
      onChunk: () => {},
    });
    uplinks.push(uplink);
    return { uplink, told };
  }

  const open = async (name: string, clock: Clock) => {
    const path = join(folder, name);
    await mkdir(path, { recursive: true });
    return SessionCounter.open(path, clock);
  };
  const gateway = async () => (await view.snapshot()).gateways[0];

  it('are told to the operator, once in the journal and on the page while both run', async () => {
    startGateway(await open('one', systemClock), 5000);
    await vi.waitFor(() => expect(births).toHaveLength(1), WAIT);
    expect((await gateway())?.runsTwiceSince).toBeNull();
    startGateway(await open('two', systemClock), 60);
    await vi.waitFor(async () => expect((await gateway())?.runsTwiceSince).not.toBeNull(), WAIT);
    await vi.waitFor(async () => {
      const codes = (await site.store.journal.latest(50)).map(({ code }) => code);
      expect(codes.filter((code) => code === 'GATEWAY_RUNS_TWICE')).toHaveLength(1);
    }, WAIT);
  });

  it('do not send under numbers of an older image of the disk, though the clock was never set', async () => {
    const before = await open('disk', unsetClock);
    await cp(join(folder, 'disk'), join(folder, 'image'), { recursive: true });
    const { uplink } = startGateway(await open('disk', unsetClock), 60);
    await vi.waitFor(() => expect(births).toHaveLength(1), WAIT);
    await uplink.close();
    const used = births[0]!.session;
    expect(used).toBe(before.session + 1);

    const sessions = await open('image', unsetClock);
    expect(sessions.session, 'counting alone would use it again').toBe(used);
    const { told } = startGateway(sessions, 5);
    await vi.waitFor(() => expect(told).toEqual([1]), WAIT);
    expect(sessions.session).toBe(used + 1);
    expect(sessions.isTaken(used)).toBe(true);
    expect(births.at(-1)?.session).toBe(used + 1);
  });
});
