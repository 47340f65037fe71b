import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { countZones } from '#backend/decryption/count-zones.ts';
import { roundAnswer } from '#backend/decryption/round-answer.ts';
import { deviceDocuments } from '#backend/home-assistant/device-documents.ts';
import { HomeAssistant, type Rendered } from '#backend/testing/home-assistant.ts';
import { readDeviceMessage } from '#backend/testing/home-assistant-rules.ts';
import type { AlertView } from '#protocol/alert.ts';
import type { CameraView, ModelView, SiteState } from '#protocol/api.ts';
import { Result } from '#protocol/messages.ts';
import { gatewayTopics, HOME_ASSISTANT, siteTopics } from '#protocol/topics.ts';
import {
  cameraOf,
  cameraStateOf,
  FIXTURE_TIME,
  gatewayOf,
  healthOf,
  modelOf,
  resultOf,
  siteOf,
} from '../cockpit/testing/fixtures.ts';

const SITE = 'north';
const topics = siteTopics(SITE);
const gate = gatewayTopics(SITE, 'gate-1');
const STREAMING = cameraStateOf({ camera: 'door' });
const ZONES = [
  {
    name: 'left-lane',
    corners: [
      [0, 0],
      [0.5, 0],
      [0.5, 1],
      [0, 1],
    ],
  },
  {
    name: 'right-lane',
    corners: [
      [0.5, 0],
      [1, 0],
      [1, 1],
      [0.5, 1],
    ],
  },
] satisfies CameraView['zones'];

/** All that was rendered in this file, for the real Jinja. */
const rendered: Rendered[] = [];

/** A site with one camera whose network is as `model` says. */
function siteWith(model: Partial<ModelView>, camera: Partial<CameraView> = {}): SiteState {
  return siteOf({
    site: SITE,
    models: [modelOf({ name: 'net', version: 2, ...model })],
    gateways: [gatewayOf({ model: { name: 'net', version: 2 } })],
    cameras: [cameraOf({ camera: 'door', state: STREAMING, ...camera })],
  });
}

/** A Home Assistant that was told of a site whose gateways and cameras are well. */
function meet(site: SiteState) {
  const home = new HomeAssistant();
  const say = (topic: string, message: object | '', retain = false) => {
    home.receive({ topic, payload: message === '' ? '' : JSON.stringify(message), retain });
    rendered.push(...home.rendered.splice(0));
  };
  const tell = (state: SiteState) => {
    for (const [id, document] of deviceDocuments(state, '0.1.0'))
      say(HOME_ASSISTANT.device(id), document ?? '');
  };
  tell(site);
  say(topics.backendState, { state: 'online', session: 1, time: FIXTURE_TIME }, true);
  say(gate.state, { state: 'online', session: 1, time: FIXTURE_TIME, reason: 'started' }, true);
  for (const { state } of site.cameras) if (state !== null) say(gate.cameraState(state.camera), state, true);
  return { home, say, tell };
}

/** An answer as the backend publishes it, made of what a network computed. */
function answer(
  { task, labels }: Pick<ModelView, 'task' | 'labels'>,
  outputs: readonly number[],
  {
    zones = [],
    ...change
  }: { readonly zones?: CameraView['zones']; readonly historical?: boolean; readonly region?: string } = {},
): Result {
  const interpretation = {
    labels,
    ...(task !== undefined && { task }),
    map: { height: 3, width: 2 },
    decoding: { threshold: 0.5, smoothing: 0, distance: 1, most: 64 },
  } as unknown as Parameters<typeof roundAnswer>[1];
  const rounded = roundAnswer(Float64Array.from(outputs), interpretation, { output: 'rounded', step: 0.05 });
  const { label: _, probability: __, probabilities: ___, ...about } = resultOf({ camera: 'door' });
  return Result.parse({ ...about, ...countZones(rounded, zones), ...change });
}

const CLASSIFICATION = { labels: ['absent', 'present'] };
const LABELS = { task: 'labels' as const, labels: ['fire', 'it\'s "}} {% raw %} \\ ä 😀'] };
const COUNT = { task: 'count' as const, labels: ['Person', 'person'] };
const MAP = { task: 'map' as const, labels: ['car', 'bus'] };

describe('the entities of a camera', () => {
  it('of a classification are its answer, its probability, and whether each label holds that means something', () => {
    const { home, say } = meet(siteWith(CLASSIFICATION));
    const { door_alert: _, ...before } = Object.fromEntries(
      Object.entries(home.states).filter(([id]) => id.includes('.door_')),
    );
    expect(before).toEqual({
      'sensor.door_answer': 'unknown',
      'sensor.door_probability': 'unknown',
      'binary_sensor.door_present': 'unknown',
      'sensor.door_state': 'streaming',
      'event.door_alert': 'unknown',
    });
    say(topics.result('door'), answer(CLASSIFICATION, [-1.5, 1.5]), true);
    expect(home.states).toMatchObject({
      'sensor.door_answer': 'present',
      'sensor.door_probability': '95',
      'binary_sensor.door_present': 'on',
    });
    // It waited in an outbox: the present is not told by it.
    say(topics.result('door'), answer(CLASSIFICATION, [1.5, -1.5], { historical: true }));
    expect(home.states).toMatchObject({
      'sensor.door_answer': 'present',
      'binary_sensor.door_present': 'on',
    });
    say(topics.result('door'), answer(CLASSIFICATION, [1.5, -1.5]), true);
    expect(home.states).toMatchObject({
      'sensor.door_answer': 'absent',
      'binary_sensor.door_present': 'off',
    });
    expect(home.complaints).toEqual([]);
  });

  it('are unknown, and nothing is complained of, where the only answer is an old one', () => {
    const { home, say } = meet(siteWith(CLASSIFICATION));
    say(topics.result('door'), answer(CLASSIFICATION, [1, -1], { historical: true }), true);
    expect(home.states).toMatchObject({
      'sensor.door_answer': 'unknown',
      'binary_sensor.door_present': 'unknown',
    });
    expect(home.complaints).toEqual([]);
  });

  it('tell no probability where the owner lets none out, and what an event said until the next', () => {
    const { home, say } = meet(siteWith({ ...CLASSIFICATION, output: { output: 'event', equal: 3 } }));
    expect(home.states['sensor.door_probability']).toBeUndefined();
    const {
      probability: _,
      probabilities: __,
      ...event
    } = answer(CLASSIFICATION, [-1, 1], { historical: true });
    say(topics.result('door'), { ...event, output: 'event' }, true);
    expect(home.states).toMatchObject({
      'sensor.door_answer': 'present',
      'binary_sensor.door_present': 'on',
    });
    expect(home.complaints).toEqual([]);
  });

  it('of a network with more labels than anybody wants to see are its answer and its probability', () => {
    const labels = Array.from({ length: 17 }, (_, index) => `digit ${index}`);
    const { home } = meet(siteWith({ labels }));
    expect(Object.keys(home.states).filter((id) => id.startsWith('binary_sensor.door'))).toEqual([]);
    expect(home.states['sensor.door_answer']).toBe('unknown');
  });

  it('of labels are whether each holds, whatever it is called', () => {
    const { home, say } = meet(siteWith(LABELS));
    say(topics.result('door'), answer(LABELS, [-2, 3]), true);
    const ids = [...home.entities.keys()].filter((id) => id.startsWith('binary_sensor.door'));
    expect(ids).toEqual(['binary_sensor.door_fire', 'binary_sensor.door_it_s_raw_a']);
    expect(ids.map((id) => home.states[id])).toEqual(['off', 'on']);
    expect(home.entities.get('sensor.door_it_s_raw_a_probability')?.state).toBe('95');
    expect(home.complaints).toEqual([]);
  });

  it('of counts are how many, also of labels that differ in little', () => {
    const { home, say } = meet(siteWith(COUNT));
    say(topics.result('door'), answer(COUNT, [2.6, 0.2]), true);
    expect(home.states).toMatchObject({ 'sensor.door_person_count': '3', 'sensor.door_person_count_2': '0' });
    expect(home.complaints).toEqual([]);
  });

  it('of a map are how many there are, and how many in each zone and whether there are any', () => {
    const { home, say } = meet(siteWith(MAP, { zones: ZONES }));
    // Two cars on the left, one bus on the right.
    say(topics.result('door'), answer(MAP, [1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1], { zones: ZONES }), true);
    expect(home.states).toMatchObject({
      'sensor.door_car_count': '2',
      'sensor.door_bus_count': '1',
      'binary_sensor.door_left_lane': 'on',
      'sensor.door_left_lane_car_count': '2',
      'sensor.door_left_lane_bus_count': '0',
      'binary_sensor.door_right_lane': 'on',
      'sensor.door_right_lane_car_count': '0',
      'sensor.door_right_lane_bus_count': '1',
    });
    // Of before the second zone was drawn: nothing is said of that.
    say(
      topics.result('door'),
      answer(MAP, new Array<number>(12).fill(0), { zones: ZONES.slice(0, 1) }),
      true,
    );
    expect(home.states).toMatchObject({
      'sensor.door_car_count': '0',
      'binary_sensor.door_left_lane': 'off',
      'sensor.door_right_lane_bus_count': '1',
    });
    expect(home.complaints).toEqual([]);
  });

  it('of a map whose places are not let out are how many there are', () => {
    const { home } = meet(siteWith({ ...MAP, output: { output: 'label' } }, { zones: ZONES }));
    expect(Object.keys(home.states).filter((id) => id.includes('lane'))).toEqual([]);
    expect(home.states['sensor.door_car_count']).toBe('unknown');
  });

  it('of several regions say which', () => {
    const regions = ['left', 'right'].map((region) => ({ region, result: null }));
    const { home, say } = meet(siteWith(CLASSIFICATION, { regions }));
    say(topics.result('door', 'right'), answer(CLASSIFICATION, [-2, 2], { region: 'right' }), true);
    expect(home.states).toMatchObject({
      'binary_sensor.door_left_present': 'unknown',
      'binary_sensor.door_right_present': 'on',
      'sensor.door_right_answer': 'present',
    });
    expect(home.complaints).toEqual([]);
  });

  it('are unavailable while nobody sees or says anything, and the state of the camera says why', () => {
    const { home, say } = meet(siteWith(CLASSIFICATION));
    say(topics.result('door'), answer(CLASSIFICATION, [-2, 2]), true);
    const shown = () => [home.states['binary_sensor.door_present'], home.states['sensor.door_state']];
    say(gate.cameraState('door'), { ...STREAMING, state: 'unauthorized' }, true);
    expect(shown()).toEqual(['unavailable', 'unauthorized']);
    say(gate.cameraState('door'), STREAMING, true);
    expect(shown()).toEqual(['on', 'streaming']);
    say(gate.state, { state: 'offline', session: 1, time: FIXTURE_TIME, reason: 'lost' }, true);
    expect(shown()).toEqual(['unavailable', 'unavailable']);
    expect(home.states['binary_sensor.gate_1_connected']).toBe('off');
    say(gate.state, { state: 'online', session: 2, time: FIXTURE_TIME, reason: 'started' }, true);
    say(topics.backendState, { state: 'offline', session: 1, time: FIXTURE_TIME }, true);
    expect(shown()).toEqual(['unavailable', 'unavailable']);
    expect(home.states['binary_sensor.north_backend']).toBe('off');
    say(topics.backendState, { state: 'online', session: 2, time: FIXTURE_TIME }, true);
    say(gate.cameraState('door'), '', true);
    expect(shown()).toEqual(['unavailable', 'unknown']);
    expect(home.complaints).toEqual([]);
  });

  it('stay what they are over another gateway, another display name and another order of labels', () => {
    const site = siteWith(CLASSIFICATION);
    const { home, say, tell } = meet(site);
    const ids = () =>
      [...home.entities]
        .map(([id, { config }]) => `${id} ${config.unique_id}`)
        .filter((id) => id.includes('door'));
    const before = ids();
    tell({
      ...site,
      models: [modelOf({ name: 'net', version: 2, labels: ['present', 'absent'] })],
      gateways: [...site.gateways, gatewayOf({ name: 'gate-2', model: { name: 'net', version: 2 } })],
      cameras: [cameraOf({ camera: 'door', gateway: 'gate-2', state: STREAMING, displayName: 'North gate' })],
    });
    expect(ids()).toEqual(before);
    expect(home.devices).toContain('North gate');
    expect(home.devices).not.toContain('door');
    const other = gatewayTopics(SITE, 'gate-2');
    say(other.state, { state: 'online', session: 1, time: FIXTURE_TIME, reason: 'started' }, true);
    say(other.cameraState('door'), STREAMING, true);
    say(gate.state, { state: 'offline', session: 1, time: FIXTURE_TIME, reason: 'stopped' }, true);
    say(topics.result('door'), answer(CLASSIFICATION, [-2, 2]), true);
    expect(home.states['binary_sensor.door_present']).toBe('on');
    expect(home.complaints).toEqual([]);
  });

  it('are left as they are before its gateway has said what it answers about', () => {
    const documents = deviceDocuments(siteWith(CLASSIFICATION, { state: null }), '0.1.0');
    expect(documents.get('blindsight_north_camera_door')).toBeNull();
  });

  it('are those of the network that its settings name', () => {
    const site = siteWith(CLASSIFICATION, { state: { ...STREAMING, network: 'carpark' } });
    const { home } = meet({
      ...site,
      models: [...site.models, modelOf({ name: 'carpark', version: 1, ...MAP })],
      gateways: [
        gatewayOf({ model: { name: 'net', version: 2 }, beside: [{ name: 'carpark', version: 1 }] }),
      ],
    });
    expect(home.states['sensor.door_car_count']).toBe('unknown');
    expect(home.states['sensor.door_answer']).toBeUndefined();
  });

  it('are bounded, so that a broker carries the message', () => {
    const labels = Array.from({ length: 16 }, (_, index) => `${'long-label-'.repeat(5)}${index}`);
    const zones = Array.from({ length: 16 }, (_, index) => ({ ...ZONES[0]!, name: `zone-${index}` }));
    const documents = deviceDocuments(siteWith({ ...MAP, labels }, { zones }), '0.1.0');
    const text = JSON.stringify(documents.get('blindsight_north_camera_door'));
    expect(text.length).toBeLessThan(200 * 1024);
    const { components } = readDeviceMessage(HOME_ASSISTANT.device('blindsight_north_camera_door'), text);
    expect(components.size).toBe(200);
    expect([...components.keys()]).toEqual(expect.arrayContaining(['state', 'alert']));
  });
});

describe('the entities of a gateway', () => {
  it('are its connection and its health', () => {
    const { home, say } = meet(siteWith(CLASSIFICATION));
    say(
      gate.health,
      healthOf({
        temperatureCelsius: null,
        outbox: { waiting: 3, bytes: 9000, dropped: 2, oldestSeconds: 12.5 },
      }),
    );
    expect(home.states).toMatchObject({
      'binary_sensor.gate_1_connected': 'on',
      'binary_sensor.gate_1_losing_answers': 'off',
      'sensor.gate_1_cpu': '41',
      'sensor.gate_1_memory': '22',
      'sensor.gate_1_temperature': 'unknown',
      'sensor.gate_1_disk_free': '71',
      'sensor.gate_1_waiting': '3',
      'sensor.gate_1_lost': '2',
    });
    const trouble = { code: 'DISK_FULL', message: 'the disk is full' };
    say(gate.health, healthOf({ outbox: { waiting: 0, bytes: 0, dropped: 3, oldestSeconds: 0, trouble } }));
    expect(home.states).toMatchObject({
      'binary_sensor.gate_1_losing_answers': 'on',
      'sensor.gate_1_temperature': '52',
    });
    expect(home.entities.get('sensor.gate_1_oldest')?.state).toBe('0');
    expect(home.complaints).toEqual([]);
  });
});

describe('alerts', () => {
  const alert: AlertView = {
    id: 7,
    rule: 'intruder',
    severity: 'critical',
    subject: { kind: 'camera', name: 'door', region: 'left' },
    title: 'somebody at "door"',
    message: 'present <for> 30 s',
    raised: FIXTURE_TIME,
    ended: null,
    acknowledged: null,
    times: 1,
  };
  const topic = topics.alert('intruder', 'door:region:left');
  const events = (home: HomeAssistant, id: string) =>
    home.entities.get(id)?.events.map(({ event_type }) => event_type);

  it('are events of their camera and of the site, and of nothing that is called the same', () => {
    const site = siteWith(CLASSIFICATION);
    const { home, say } = meet({ ...site, gateways: [...site.gateways, gatewayOf({ name: 'door' })] });
    say(topic, alert);
    say(topic, { ...alert, ended: FIXTURE_TIME });
    say(topic, '');
    say(topic, { ...alert, acknowledged: { by: 'anna', at: FIXTURE_TIME } });
    const all = ['raised', 'ended', 'acknowledged'];
    expect(events(home, 'event.north_alert')).toEqual(all);
    const [camera, gateway] = [...home.entities].filter(([id]) => id.startsWith('event.door_alert'));
    const ofDevice = [camera, gateway].sort((a, b) =>
      a![1].config.unique_id.localeCompare(b![1].config.unique_id),
    );
    expect(ofDevice.map((one) => one![1].events.map(({ event_type }) => event_type))).toEqual([all, []]);
    expect(home.entities.get('event.north_alert')?.events[0]).toEqual({
      ...{ event_type: 'raised', rule: 'intruder', severity: 'critical', times: 1 },
      ...{
        title: 'somebody at "door"',
        message: 'present <for> 30 s',
        subject: 'door',
        region: 'left',
        zone: '',
      },
    });
    expect(home.complaints).toEqual([]);
  });

  it('do not happen again because the broker kept them', () => {
    const { home, say } = meet(siteWith(CLASSIFICATION));
    say(topic, alert, true);
    expect(events(home, 'event.north_alert')).toEqual([]);
  });
});

describe('what Home Assistant would not take', () => {
  const good = () =>
    JSON.parse(
      JSON.stringify(deviceDocuments(siteWith(CLASSIFICATION), '1').get('blindsight_north_camera_door')),
    );
  const mistakes = (document: object, topic = HOME_ASSISTANT.device('x')) =>
    readDeviceMessage(topic, JSON.stringify(document)).mistakes;

  it.each([
    ['an id of other signs', good(), 'homeassistant/device/a.b/config'],
    ['a key that it does not know', { ...good(), object_id: 'door' }],
    ['no origin', { ...good(), o: {} }],
    ['no identifier', { ...good(), dev: { name: 'door' } }],
    [
      'an entity without unique id',
      { ...good(), cmps: { a: { p: 'sensor', state_topic: 'a', default_entity_id: 'sensor.a' } } },
    ],
    [
      'options without their class',
      { ...good(), cmps: { a: { ...good().cmps.answer, device_class: undefined } } },
    ],
    [
      'a unit of something else',
      { ...good(), cmps: { a: { ...good().cmps.latency, unit_of_measurement: '%' } } },
    ],
    ['object_id, which is gone', { ...good(), cmps: { a: { ...good().cmps.answer, object_id: 'a' } } }],
  ])('%s', (_, document, topic?: string) => {
    expect(mistakes(good())).toEqual([]);
    expect(mistakes(document, topic)).not.toEqual([]);
  });
});

const RENDER = `
import json, sys
from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
print(json.dumps([environment.from_string(one["template"]).render(one["variables"]) for one in json.load(sys.stdin)]))
`;
const hasJinja = spawnSync('python3', ['-c', 'import jinja2']).status === 0;

// Jinja for JavaScript is not Home Assistant's. It is compared with that where it is installed.
it.skipIf(!hasJinja)(
  'every template says the same to Jinja itself, and asks for nothing that is not there',
  () => {
    expect(rendered.length).toBeGreaterThan(100);
    const { stdout, stderr } = spawnSync('python3', ['-c', RENDER], {
      input: JSON.stringify(rendered),
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    const same = (text: string): unknown => {
      try {
        return JSON.parse(text);
      } catch {
        return text;
      }
    };
    const texts = JSON.parse(stdout) as string[];
    expect(texts.map(same)).toEqual(rendered.map(({ text }) => same(text)));
  },
);
