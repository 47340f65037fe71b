import type { CameraView, GatewayView, ModelView, SiteState } from '#protocol/api.ts';
import type { CameraState, ClassificationResult, Health, MapResult, Reported } from '#protocol/messages.ts';

/** The moment at which all fixtures play. */
export const FIXTURE_TIME = '2026-03-01T12:00:00.000Z';

export function resultOf(change: Partial<ClassificationResult> = {}): ClassificationResult {
  return {
    camera: 'counter',
    model: 'counter',
    modelVersion: 3,
    label: 'person',
    probability: 0.97,
    probabilities: { empty: 0.03, person: 0.97 },
    frameTime: FIXTURE_TIME,
    sequence: 1,
    historical: false,
    latencyMs: { prepare: 6, encrypt: 34, evaluate: 412, transport: 18, decrypt: 9, total: 486 },
    ...change,
  };
}

/** Three cars, two of them in a zone. */
export function mapResultOf(change: Partial<MapResult> = {}): MapResult {
  const { camera, frameTime, sequence, historical, latencyMs } = resultOf();
  return {
    ...{ camera, frameTime, sequence, historical, latencyMs, model: 'carpark', modelVersion: 1 },
    task: 'map',
    counts: { car: 3 },
    points: [
      { label: 'car', x: 0.217, y: 0.432 },
      { label: 'car', x: 0.383, y: 0.477 },
      { label: 'car', x: 0.75, y: 0.75 },
    ],
    ...change,
  };
}

export function cameraStateOf(change: Partial<CameraState> = {}): CameraState {
  return {
    camera: 'counter',
    state: 'streaming',
    detail: 'H.264 768 × 432',
    since: '2026-03-01T09:30:00.000Z',
    captureRate: 10,
    inferenceRate: 2,
    nextRetry: null,
    ...change,
  };
}

export function cameraOf(change: Partial<CameraView> = {}): CameraView {
  return {
    camera: 'counter',
    gateway: 'gate-1',
    state: cameraStateOf(),
    result: resultOf(),
    regions: [],
    zones: [],
    withheld: 0,
    unusual: [],
    ...change,
  };
}

export function healthOf(change: Partial<Health> = {}): Health {
  return {
    session: 7,
    time: FIXTURE_TIME,
    uptimeSeconds: 9000,
    cpuPercent: 41,
    memoryPercent: 22,
    processMegabytes: 310,
    temperatureCelsius: 52,
    diskFreePercent: 71,
    outbox: { waiting: 0, bytes: 0, dropped: 0, oldestSeconds: 0 },
    ...change,
  };
}

export function reportedOf(bundle: Partial<Reported['bundle']> = {}): Reported {
  return {
    time: FIXTURE_TIME,
    session: 7,
    bundle: {
      status: 'active',
      active: 'a'.repeat(64),
      previous: null,
      counter: 3,
      progress: 1,
      subject: 'a'.repeat(64),
      error: null,
      ...bundle,
    },
  };
}

export function gatewayOf(change: Partial<GatewayView> = {}): GatewayView {
  return {
    name: 'gate-1',
    version: '0.1.0',
    state: 'online',
    since: '2026-03-01T09:30:00.000Z',
    clockOffsetMs: -40,
    runsTwiceSince: null,
    certificateEnds: '2027-03-01T09:00:00.000Z',
    quarantine: null,
    held: { answers: 0, dropped: 0 },
    audit: { equal: 0, unequal: 0, missing: 0, lastEqual: null, waiting: 0, undone: 0 },
    awaitsAuditSince: null,
    leak: null,
    health: healthOf(),
    reported: reportedOf(),
    model: { name: 'counter', version: 3 },
    beside: [],
    configuration: null,
    groups: [],
    software: null,
    ...change,
  };
}

export function modelOf(change: Partial<ModelView> = {}): ModelView {
  return {
    name: 'counter',
    version: 3,
    labels: ['empty', 'person'],
    ringDegree: 8192,
    logQP: 209.99700554607605,
    bundleBytes: 31_400_000,
    createdTime: '2026-03-01T09:00:00.000Z',
    output: { output: 'rounded', step: 0.05 },
    retired: null,
    ...change,
  };
}

export function siteOf(change: Partial<SiteState> = {}): SiteState {
  return {
    site: 'old-town',
    time: FIXTURE_TIME,
    commandLine: 'npx blindsight … --data /srv/old-town',
    broker: { connected: true, detail: 'mqtts://localhost:8883' },
    gateways: [gatewayOf()],
    cameras: [cameraOf()],
    models: [modelOf()],
    counters: { accepted: 5120, duplicates: 0, gaps: 0, refused: {}, withheld: 0 },
    endingCertificates: [],
    alerts: { open: [], count: 0 },
    rollouts: [],
    auditShare: 0.02,
    ...change,
  };
}
