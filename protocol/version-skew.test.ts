import { describe, expect, it } from 'vitest';
import {
  BackendState,
  Birth,
  CameraState,
  ChunkRequest,
  GatewayState,
  Health,
  LogEvent,
  Receipt,
  Reported,
  SessionCommand,
} from './messages.ts';
import { parseMessage } from './parse-message.ts';

const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const time = '2026-05-01T10:00:00.000Z';
const digest = '0a'.repeat(32);
const outbox = { waiting: 0, bytes: 0, dropped: 0, oldestSeconds: 0 };
const health = {
  session: 4,
  time,
  uptimeSeconds: 1,
  cpuPercent: 2,
  memoryPercent: 3,
  processMegabytes: 4,
  temperatureCelsius: null,
  diskFreePercent: null,
  outbox,
};
const camera = {
  camera: 'front',
  state: 'streaming',
  detail: 'well',
  since: time,
  captureRate: 1,
  inferenceRate: 1,
  nextRetry: null,
} as const;
const bundle = {
  status: 'none',
  active: null,
  previous: null,
  counter: 0,
  progress: 0,
  subject: null,
  error: null,
} as const;

/** As this version sends them; each as a newer one might, too, which a reader of this version must bear. */
const MESSAGES = {
  Birth: [
    Birth,
    { gateway: 'gate', session: 4, version: '1', time, platform: 'x', cameras: [], bundle: null },
  ],
  SessionCommand: [SessionCommand, { atLeast: 3 }],
  GatewayState: [GatewayState, { state: 'online', session: 4, time, reason: 'started' }],
  CameraState: [CameraState, camera],
  Health: [Health, health],
  LogEvent: [LogEvent, { time, level: 'warn', code: 'A', message: 'm' }],
  Reported: [Reported, { time, session: 4, bundle }],
  BackendState: [BackendState, { state: 'online', session: 4, time }],
  Receipt: [Receipt, { received: [digest] }],
  ChunkRequest: [ChunkRequest, { bundle: digest, part: 'p', from: 0, count: 1 }],
} as const;

describe('messages between different versions', () => {
  it.each(Object.entries(MESSAGES))(
    '%s of a newer version: what is known is read',
    (_, [schema, message]) => {
      const newer = { ...message, mood: { of: ['the', 'day'] } };
      expect(parseMessage<unknown>(schema, bytes(newer))).toEqual(message);
    },
  );

  it('what a gateway reports of several networks is read; one of before says nothing of them', () => {
    const reported = { time, session: 4, bundle };
    const networks = [{ network: 'carpark', ...bundle }];
    expect(parseMessage(Reported, bytes({ ...reported, networks })).networks).toEqual(networks);
    expect(parseMessage(Reported, bytes(reported)).networks).toBeUndefined();
  });

  it('health of an older gateway, which knows neither trouble nor counts of pictures, is read', () => {
    expect(parseMessage(Health, bytes(health))).toEqual(health);
  });

  it('trouble of a newer gateway is read as it is, within a bound', () => {
    const trouble = { code: 'LENS_FROZEN'.padEnd(200, 'X'), message: 'm'.repeat(2000), degrees: -20 };
    const read = parseMessage(Health, bytes({ ...health, outbox: { ...outbox, trouble, shards: 4 } }));
    expect(read.outbox).toEqual({
      ...outbox,
      trouble: { code: 'LENS_FROZEN'.padEnd(64, 'X'), message: 'm'.repeat(500) },
    });
  });

  it('a state of a camera that is not known counts as failed, with its own words', () => {
    const read = parseMessage(
      CameraState,
      bytes({ ...camera, state: 'frozen', detail: 'the lens is frozen' }),
    );
    expect(read).toMatchObject({ state: 'failed', detail: 'the lens is frozen' });
  });

  it('what is known stays checked', () => {
    expect(() => parseMessage(Health, bytes({ ...health, cpuPercent: 101 }))).toThrow('cpuPercent');
    expect(() => parseMessage(CameraState, bytes({ ...camera, state: 4 }))).toThrow('state');
  });
});
