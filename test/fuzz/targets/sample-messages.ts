const time = '2026-05-01T10:00:00.000Z';
const digest = '0a'.repeat(32);
const bundle = {
  status: 'active',
  active: digest,
  previous: null,
  counter: 3,
  progress: 1,
  subject: digest,
  error: null,
};

/** Messages in JSON as gateway and backend write them, with everything that may be in them; by the name of their schema. */
export const SAMPLE_MESSAGES = {
  Birth: [
    {
      ...{ gateway: 'gate', session: 4, version: '1.0.0', time, platform: 'linux x64', cameras: ['front'] },
      ...{ bundle: digest, certificate: '0102' },
    },
  ],
  SessionCommand: [{ atLeast: 3 }],
  GatewayState: [{ state: 'online', session: 4, time, reason: 'started' }],
  CameraState: [
    {
      ...{ camera: 'front', regions: ['left', 'right'], state: 'streaming', detail: 'well', since: time },
      ...{ size: { width: 640, height: 480 }, captureRate: 5, inferenceRate: 2, nextRetry: time },
    },
  ],
  Health: [
    {
      ...{ session: 4, time, uptimeSeconds: 1, cpuPercent: 2, memoryPercent: 3, processMegabytes: 4 },
      ...{ temperatureCelsius: null, diskFreePercent: 40 },
      outbox: {
        waiting: 1,
        bytes: 2,
        dropped: 3,
        oldestSeconds: 4,
        trouble: { code: 'DISK_FULL', message: 'm' },
      },
      pictures: { captured: 9, superseded: 1, answered: 7, failed: 1 },
    },
  ],
  LogEvent: [{ time, level: 'warn', code: 'A', message: 'm' }],
  Reported: [
    { time, session: 4, bundle },
    {
      ...{ time, session: 4, bundle },
      networks: [{ network: 'carpark', ...bundle }],
      software: {
        ...bundle,
        active: undefined,
        previous: undefined,
        version: '1.2.3',
        platform: 'linux-x64',
      },
      configuration: {
        ...{ status: 'reverted', version: 3, running: 2, since: time, drift: false },
        error: { code: 'CONFIGURATION_NO_LINK', message: 'no link' },
      },
      trust: { status: 'fresh', number: 3, expires: time, ownerKeys: 1, knowsRoot: true, error: null },
    },
  ],
  BackendState: [{ state: 'online', session: 4, time }],
  Receipt: [{ received: [digest, digest] }],
  ChunkRequest: [{ bundle: digest, part: 'program', from: 0, count: 8 }],
  Result: [
    {
      ...{
        camera: 'front',
        region: 'left',
        model: 'counter',
        modelVersion: 1,
        label: 'present',
        probability: 0.93,
      },
      ...{ probabilities: { present: 0.93, absent: 0.07 }, frameTime: time, sequence: 8, historical: false },
      latencyMs: { prepare: 1, encrypt: 2, evaluate: 3, transport: 4, decrypt: 5, total: 15 },
    },
  ],
  RenewalAnswer: [
    { request: digest, certificate: '-----BEGIN CERTIFICATE-----', error: null },
    { request: digest, certificate: null, error: { code: 'A', message: 'm' } },
  ],
} as const;
