import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectAsync, type MqttClient } from 'mqtt';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { type Authority, createAuthority, type Issued } from '#backend/enrolment/authority.ts';
import { DiscoveryPublisher } from '#backend/home-assistant/discovery-publisher.ts';
import { HomeAssistant } from '#backend/testing/home-assistant.ts';
import { makeTestSite, type TestSite } from '#backend/testing/test-site.ts';
import {
  embeddedBroker,
  homeMosquitto,
  mosquitto,
  type RunningBroker,
} from '#broker/testing/contract-brokers.ts';
import type { SiteState } from '#protocol/api.ts';
import type { MapResult } from '#protocol/messages.ts';
import { coversFilter } from '#protocol/topic-filter.ts';
import { gatewayTopics, HOME_ASSISTANT, siteTopics } from '#protocol/topics.ts';
import { systemClock } from '#runtime/clock.ts';
import { connectLink, type Link } from '#runtime/link.ts';
import { createLogger } from '#runtime/log.ts';
import { SimulatedClock } from '#runtime/simulated-clock.ts';
import {
  cameraOf,
  cameraStateOf,
  FIXTURE_TIME,
  gatewayOf,
  mapResultOf,
  modelOf,
  resultOf,
  siteOf,
} from '../cockpit/testing/fixtures.ts';

const SITE = 'north';
const topics = siteTopics(SITE);
const gate = gatewayTopics(SITE, 'gate-1');
const CAMERA = 'blindsight_north_camera_door';
const DEVICES = ['blindsight_north_site_north', 'blindsight_north_gateway_gate-1', CAMERA];
const WAIT = { timeout: 60_000, interval: 20 };
/** Longer than a round, and than a broker is listened to. */
const ROUND_MS = 5_000;
const log = createLogger({ name: 'test', level: 'error', format: 'json' });

const MAP = modelOf({ name: 'carpark', version: 1, task: 'map', labels: ['car'] });
const lane = (name: string) => ({
  name,
  corners: [
    [0, 0],
    [1, 0],
    [1, 1],
  ] as [number, number][],
});
const DOOR = cameraOf({ camera: 'door', state: cameraStateOf({ camera: 'door' }), zones: [lane('left')] });
const YARD: SiteState = siteOf({
  site: SITE,
  models: [MAP],
  gateways: [gatewayOf({ model: { name: 'carpark', version: 1 } })],
  cameras: [DOOR],
});

/** What Home Assistant subscribes to besides the topics of entities: also for other integrations, which nobody here may read. */
const DISCOVERY = [
  ...['device', 'sensor', 'binary_sensor', 'event'].map((component) => `homeassistant/${component}/+/config`),
  ...['homeassistant/device/+/+/config', 'tasmota/discovery/#', 'esphome/discover/#'],
];
const STATES = [topics.backendState, gate.state, gate.cameraState('door'), topics.result('door')];

describe.each([
  ['aedes', embeddedBroker],
  ['mosquitto', mosquitto],
])('Home Assistant on %s', (_, start) => {
  let folder: string;
  let authority: Authority;
  let broker: RunningBroker;
  let site: TestSite;
  let backend: Issued;
  let viewer: Issued;
  let state = YARD;
  let homes = 0;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'blindsight-home-'));
    authority = await createAuthority();
    site = await makeTestSite(SITE);
    const server = await authority.issue({ kind: 'broker', commonName: 'broker', days: 1 });
    backend = await authority.issue({ kind: 'backend', commonName: 'backend', days: 1 });
    viewer = await authority.issue({ kind: 'viewer', commonName: 'home', days: 1 });
    await Promise.all([
      writeFile(join(folder, 'ca.pem'), authority.certificate),
      writeFile(join(folder, 'revoked.crl'), await authority.revocationList([], Date.now())),
      writeFile(join(folder, 'broker.pem'), server.certificate),
      writeFile(join(folder, 'broker.key'), server.key, { mode: 0o600 }),
    ]);
    broker = await start({ folder, site: SITE, maxMessageKilobytes: 256 });
  });

  afterAll(async () => {
    await broker.stop();
    await site.close();
    await rm(folder, { recursive: true });
  });

  /** A backend that tells Home Assistant what there is, at times that `turn` says. */
  async function tell(isEnabled = true) {
    const clock = new SimulatedClock(Date.parse(FIXTURE_TIME));
    const link: Link = connectLink({
      url: `mqtts://localhost:${broker.port}`,
      ca: authority.certificate,
      ...{ certificate: backend.certificate, key: backend.key, clientId: 'backend', clock: systemClock, log },
    });
    const kept = new Set<string>();
    const said: string[] = [];
    // Notes what the publisher itself has heard. A subscription beside its own could hear earlier, or take away what the broker keeps for it.
    const subscribe: Link['subscribe'] = (filter, handler) =>
      link.subscribe(filter, (topic, payload, info) => {
        handler(topic, payload, info);
        const text = Buffer.from(payload).toString();
        // The last will of a home of the test before comes whenever the broker notices its end.
        if (topic === HOME_ASSISTANT.status && text === 'online') said.push(text);
        if (topic !== HOME_ASSISTANT.status && info.retain && text !== '') kept.add(topic);
      });
    const stop = new AbortController();
    const publisher = new DiscoveryPublisher({
      ...{ store: site.store, site: SITE, isEnabled, version: '0.1.0', clock, log },
      link: {
        get connected() {
          return link.connected;
        },
        ...{ subscribe, publish: link.publish.bind(link) },
        ...{ onUp: link.onUp.bind(link), onDown: link.onDown.bind(link) },
      },
      snapshot: async () => state,
    });
    let isRunning = true;
    const running = publisher.run(stop.signal).finally(() => {
      isRunning = false;
    });
    const end = async () => {
      stop.abort();
      await running;
      await link.close();
    };
    onTestFinished(end);
    await vi.waitFor(() => expect(link.connected).toBe(true), WAIT);
    /** No round still looks what is asked of it, or waits for the store or the broker. */
    const rest = () => vi.waitFor(() => expect(!isRunning || clock.sleeping === 1).toBe(true), WAIT);
    const turn = async () => {
      await rest();
      await clock.advance(ROUND_MS);
      await rest();
    };
    return { link, kept, said, end, turn, running };
  }

  const connect = (clientId: string, will = true): Promise<MqttClient> =>
    connectAsync(`mqtts://localhost:${broker.port}`, {
      ...{
        ca: authority.certificate,
        cert: viewer.certificate,
        key: viewer.key,
        clientId,
        reconnectPeriod: 0,
      },
      ...(will && {
        will: { topic: HOME_ASSISTANT.status, payload: Buffer.from('offline'), qos: 0, retain: false },
      }),
    });

  /** Starts Home Assistant with what it does by default: a last will, its subscriptions, and a word that it is there. */
  async function startHome() {
    const client = await connect(`home-${homes++}`);
    const home = new HomeAssistant();
    /** As it was sent; not what the broker kept. */
    const told: string[] = [];
    const closed: string[] = [];
    client.on('close', () => closed.push('closed'));
    client.on('message', (topic, payload, { retain }) => {
      if (topic.startsWith('homeassistant/') && !retain) told.push(topic);
      home.receive({ topic, payload: payload.toString(), retain });
    });
    onTestFinished(() => client.endAsync(true).catch(() => undefined));
    // Refused ones are refused one by one.
    for (const filter of [...STATES, ...DISCOVERY])
      await client.subscribeAsync(filter).catch(() => undefined);
    // Home Assistant waits for no acknowledgment; here nothing may be under way when the next test begins.
    await client.publishAsync(HOME_ASSISTANT.status, 'online', { qos: 1 });
    return { client, home, told, closed };
  }

  const ids = ({ entities }: HomeAssistant) =>
    [...entities.keys()].filter((id) => id.includes('.door_')).sort();
  const ALL = [
    ...['binary_sensor.door_left', 'event.door_alert', 'sensor.door_car_count', 'sensor.door_latency'],
    ...['sensor.door_left_car_count', 'sensor.door_picture', 'sensor.door_state'],
  ];

  it('learns of a site with the files of a viewer, and of what comes, changes and goes', async () => {
    state = YARD;
    const { link, turn } = await tell();
    await link.publish(
      topics.backendState,
      JSON.stringify({ state: 'online', session: 1, time: FIXTURE_TIME }),
      { retain: true },
    );
    const { home, closed } = await startHome();
    await turn();
    await vi.waitFor(() => expect(home.devices).toEqual(['Blindsight north', 'door', 'gate-1']), WAIT);
    await vi.waitFor(() => expect(ids(home)).toEqual(ALL), WAIT);
    expect(home.states['binary_sensor.north_backend']).toBe('on');

    state = { ...YARD, cameras: [{ ...DOOR, zones: [lane('right')] }] };
    await turn();
    const others = ALL.map((id) => id.replace('left', 'right')).sort();
    await vi.waitFor(() => expect(ids(home)).toEqual(others), WAIT);
    await turn();
    // The message that the broker keeps is rid of the removal, too.
    const late = await startHome();
    await vi.waitFor(() => expect(ids(late.home)).toEqual(others), WAIT);
    expect(late.home.complaints).toEqual([]);

    state = { ...YARD, cameras: [] };
    await turn();
    await vi.waitFor(() => expect(home.devices).toEqual(['Blindsight north', 'gate-1']), WAIT);
    expect(home.complaints).toEqual([]);
    expect(closed).toEqual([]);
  });

  it('is told everything again when it has started, and once however often it says so', async () => {
    state = YARD;
    const { said, turn } = await tell();
    const { client, home, told } = await startHome();
    let times = 1;
    const say = async (more: number) => {
      times += more;
      for (let time = 0; time < more; time++)
        await client.publishAsync(HOME_ASSISTANT.status, 'online', { qos: 1 });
      await vi.waitFor(() => expect(said).toHaveLength(times), WAIT);
    };
    // All that is said is heard between two rounds, so that it is known which one is asked.
    await say(0);
    await turn();
    await vi.waitFor(() => expect(ids(home)).toEqual(ALL), WAIT);
    for (let round = 0; round < 3; round++) await turn();
    await say(5);
    await turn();
    await vi.waitFor(() => expect(told).toHaveLength(2 * DEVICES.length), WAIT);
    await say(1);
    await turn();
    state = { ...YARD, cameras: [] };
    await turn();
    await vi.waitFor(() => expect(home.devices).not.toContain('door'), WAIT);
    const all = DEVICES.map(HOME_ASSISTANT.device);
    expect(told).toEqual([...all, ...all, HOME_ASSISTANT.device(CAMERA)]);
  });

  it('loses a camera that was removed while the backend was away, and all when it is not to know any more', async () => {
    state = YARD;
    const before = await tell();
    const { home } = await startHome();
    await before.turn();
    await vi.waitFor(() => expect(ids(home)).toEqual(ALL), WAIT);
    await before.end();

    state = { ...YARD, cameras: [] };
    const after = await tell();
    await vi.waitFor(
      () => expect([...after.kept]).toEqual(expect.arrayContaining(DEVICES.map(HOME_ASSISTANT.device))),
      WAIT,
    );
    await after.turn();
    await vi.waitFor(() => expect(home.devices).toEqual(['Blindsight north', 'gate-1']), WAIT);
    await after.end();

    const off = await tell(false);
    await vi.waitFor(
      () => expect([...off.kept].sort()).toEqual(DEVICES.slice(0, 2).map(HOME_ASSISTANT.device).sort()),
      WAIT,
    );
    await off.turn();
    await vi.waitFor(() => expect(home.devices).toEqual([]), WAIT);
    await off.running;
    // From then on a backend says nothing of Home Assistant to its broker.
    await (await tell(false)).running;
  });

  it('learns of a site through the bridge of its own broker, which is in the documentation', async () => {
    await Promise.all([
      writeFile(join(folder, 'viewer.pem'), viewer.certificate),
      writeFile(join(folder, 'viewer.key'), viewer.key, { mode: 0o600 }),
    ]);
    const docs = await readFile(join(import.meta.dirname, '../docs/operations.md'), 'utf8');
    const [, lines = ''] = /```\n(connection blindsight\n.+?)```/s.exec(docs) ?? [];
    const settings = lines
      .replace('SITE:8883', `localhost:${broker.port}`)
      .replaceAll('/mosquitto/blindsight', folder)
      .replaceAll('/plaza/', `/${SITE}/`);
    state = YARD;
    const { link, said, turn } = await tell();
    const say = (cars: number) => {
      const message = JSON.stringify(mapResultOf({ camera: 'door', counts: { car: cars } }));
      return link.publish(topics.result('door'), message, { retain: true });
    };
    await say(1);
    const own = await homeMosquitto(folder, settings);
    onTestFinished(own.stop);
    const start = async (filter: string, hear: (topic: string, payload: string, retain: boolean) => void) => {
      const client = await connectAsync(`mqtt://127.0.0.1:${own.port}`);
      onTestFinished(() => client.endAsync(true));
      client.on('message', (topic, payload, { retain }) => hear(topic, payload.toString(), retain));
      await client.subscribeAsync(filter);
      return client;
    };
    const home = new HomeAssistant();
    const client = await start(HOME_ASSISTANT.device('+'), (topic, payload, retain) =>
      home.receive({ topic, payload, retain }),
    );
    await turn();
    await vi.waitFor(() => expect(ids(home)).toEqual(ALL), WAIT);
    expect(home.complaints).toEqual([]);
    const fetched = [...settings.matchAll(/^topic (\S+) in 1$/gm)].map(([, filter = '']) => filter);
    const read = [...home.entities.values()].flatMap(({ config: { state_topic, availability = [] } }) => [
      state_topic,
      ...availability.map(({ topic }) => topic),
    ]);
    expect(read.filter((topic) => !fetched.some((filter) => coversFilter(filter, topic)))).toEqual([]);
    // What its broker keeps is the newest, for when Home Assistant starts again.
    const kept = async () => {
      const { promise, resolve } = Promise.withResolvers<unknown>();
      const late = await start(topics.result('door'), (_, payload, retain) =>
        resolve(retain ? (JSON.parse(payload) as MapResult).counts : 'not kept'),
      );
      const counts = await promise;
      await late.endAsync(true);
      return counts;
    };
    await vi.waitFor(async () => expect(await kept()).toEqual({ car: 1 }), WAIT);
    await say(2);
    await vi.waitFor(async () => expect(await kept()).toEqual({ car: 2 }), WAIT);
    await client.publishAsync(HOME_ASSISTANT.status, 'online', { qos: 1 });
    await vi.waitFor(() => expect(said).toContain('online'), WAIT);
  });

  it('can say nothing but that it is there', async () => {
    const { link } = await tell();
    const heard: string[] = [];
    for (const filter of ['homeassistant/status', HOME_ASSISTANT.device('+'), `${topics.prefix}/#`])
      link.subscribe(filter, (topic, payload) => {
        if (Buffer.from(payload).toString() === 'forged') heard.push(topic);
      });
    const forbidden = [HOME_ASSISTANT.device(CAMERA), topics.result('door'), gate.state, topics.backendState];
    for (const topic of forbidden) {
      const client = await connect(`forger-${topic.replaceAll('/', '-')}`, false);
      await client.publishAsync(topic, 'forged').catch(() => undefined);
      await client.publishAsync(HOME_ASSISTANT.status, 'forged').catch(() => undefined);
      await client.endAsync(true);
    }
    const client = await connect('last');
    await client.publishAsync(HOME_ASSISTANT.status, 'forged', { qos: 1 });
    await client.endAsync();
    await link.publish(topics.result('door'), JSON.stringify(resultOf({ camera: 'door' })));
    await vi.waitFor(() => expect(heard).toContain(HOME_ASSISTANT.status), WAIT);
    expect(heard.filter((topic) => topic !== HOME_ASSISTANT.status)).toEqual([]);
  });
});
