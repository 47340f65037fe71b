import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AgentMetrics } from '#agent/metrics/agent-metrics.ts';
import type { Snapshot } from '#agent/metrics/snapshot.ts';
import { AnswerMetrics } from '#backend/metrics/answer-metrics.ts';
import { createMetrics } from '#backend/metrics/create-metrics.ts';
import type { SettledAnswer } from '#backend/store/feed.ts';
import { makeTestSite, type TestSite } from '#backend/testing/test-site.ts';
import type { SiteState } from '#protocol/api.ts';
import { type Metric, readMetrics } from '#runtime/testing/read-metrics.ts';
import {
  cameraOf,
  cameraStateOf,
  FIXTURE_TIME,
  gatewayOf,
  healthOf,
  reportedOf,
  resultOf,
  siteOf,
} from '../cockpit/testing/fixtures.ts';

const DAY_MS = 86_400_000;
const NOW_MS = Date.parse(FIXTURE_TIME);

const SNAPSHOT: Snapshot = {
  ...{ site: 'yard', gateway: 'gate-1', version: '0.1.0', nowMs: NOW_MS },
  cameras: [{ ...cameraStateOf(), lastLines: [] }],
  pictures: { captured: 9, superseded: 1, answered: 7, failed: 1 },
  outbox: { waiting: 2, bytes: 70_000, dropped: 3, oldestSeconds: 5 },
  openings: { kept: 12, bytes: 17_000, dropped: 3, missing: 2, answered: 5, ignored: 1 },
  ...{ isLinkUp: true, obstacle: null, isRunning: true, stuckMs: 0, certificateEndMs: NOW_MS + DAY_MS },
  reported: {
    ...reportedOf(),
    configuration: {
      status: 'applied',
      version: 3,
      running: 3,
      since: FIXTURE_TIME,
      drift: false,
      error: null,
    },
    networks: [{ ...reportedOf().bundle, network: 'carpark' }],
  },
};

const settled = (change: Partial<SettledAnswer> = {}): SettledAnswer => ({
  ...{ id: 1, gateway: 'gate-1', session: 1, sequence: 1, camera: 'door', model: 'net', version: 1 },
  ...{ frameMs: NOW_MS, storedMs: NOW_MS + 700, withheld: null, results: [resultOf({ camera: 'door' })] },
  ...change,
});

describe('the metrics', () => {
  let site: TestSite;
  let state: SiteState;
  let answers: AnswerMetrics;
  let read: () => Promise<{ metrics: Metric[]; get: (sample: string) => number | undefined }>;

  beforeEach(async () => {
    site = await makeTestSite();
    answers = new AnswerMetrics();
    state = siteOf({
      gateways: [
        gatewayOf({
          health: healthOf({ outbox: { waiting: 4, bytes: 900, dropped: 6, oldestSeconds: 2.5 } }),
        }),
      ],
      cameras: [
        cameraOf({ camera: 'door' }),
        cameraOf({ camera: 'yard', state: cameraStateOf({ state: 'stalled' }) }),
      ],
    });
    const registry = createMetrics({
      ...{ store: site.store, dataDirectory: site.dataDirectory, answers },
      ...{ snapshot: async () => state, trouble: () => null, isStuck: () => false },
    });
    read = async () => {
      const { metrics, mistakes } = readMetrics(await registry.metrics());
      expect(mistakes).toEqual([]);
      const values = new Map(metrics.flatMap((metric) => [...metric.values]));
      return { metrics, get: (sample) => values.get(`blindsight_${sample}`) };
    };
  });
  afterEach(() => site.close());

  const take = async (...batch: SettledAnswer[]) => {
    await answers.take(site.store, batch);
    answers.committed();
  };

  it('count answers by camera and by what became of them, each once, and time those that did not wait', async () => {
    await take(settled(), settled({ results: [] }), settled({ results: [], withheld: 'out-of-range' }));
    await take(
      settled({ results: [resultOf({ camera: 'door', historical: true })], storedMs: NOW_MS + DAY_MS }),
    );
    // Rolled back, and taken again.
    await answers.take(site.store, [settled({ camera: 'yard' })]);
    answers.reset();
    await take(settled({ camera: 'yard' }));
    const { get } = await read();
    expect(get('answers_total{camera="door",result="told"}')).toBe(2);
    expect(get('answers_total{camera="door",result="untold"}')).toBe(1);
    expect(get('answers_total{camera="door",result="withheld"}')).toBe(1);
    expect(get('answers_total{camera="yard",result="told"}')).toBe(1);
    expect(get('answer_seconds_count{step="total"}')).toBe(2);
    expect(get('answer_seconds_sum{step="total"}')).toBeCloseTo(1.4);
    expect(get('answer_seconds_bucket{le="0.5",step="total"}')).toBe(0);
    expect(get('answer_seconds_bucket{le="1",step="total"}')).toBe(2);
    expect(get('answer_seconds_sum{step="decrypt"}')).toBeCloseTo(0.018);
  });

  it('keep no series of a camera or gateway that is gone', async () => {
    await take(settled(), settled({ camera: 'yard' }));
    await read();
    state = siteOf({ gateways: [], cameras: [cameraOf({ camera: 'yard' })] });
    const { metrics } = await read();
    const samples = metrics.flatMap(({ values }) => [...values.keys()]);
    expect(samples.filter((sample) => /"(?:door|gate-1)"/.test(sample))).toEqual([]);
    expect(samples).toContain('blindsight_answers_total{camera="yard",result="told"}');
  });

  it('tell of gateways, cameras, alerts, certificates and the disk, and do not count twice', async () => {
    const subject = { kind: 'camera', name: 'door' } as const;
    const alert = {
      rule: 'intruder',
      severity: 'critical',
      subject,
      title: 'a',
      message: 'b',
      atMs: NOW_MS,
      notify: [],
    } as const;
    await site.store.alerts.raise(alert);
    await site.store.alerts.raise({ ...alert, rule: 'quiet', severity: 'info' });
    await site.store.alerts.raise({ ...alert, rule: 'dark', severity: 'info' });
    for (const [serial, kind, days] of [
      ['01', 'broker', 900],
      ['02', 'backend', 40],
      ['03', 'backend', 400],
    ] as const)
      await site.store.certificates.add({
        serial,
        kind,
        name: kind,
        issuedMs: 0,
        endsMs: NOW_MS + days * DAY_MS,
      });
    await site.store.counters.add('refused.too-old', 5);
    await read();
    const { get } = await read();
    expect(get('cameras{state="streaming"}')).toBe(1);
    expect(get('cameras{state="stalled"}')).toBe(1);
    expect(get('cameras{state="unknown"}')).toBe(0);
    expect(get('camera_streaming{camera="yard"}')).toBe(0);
    expect(get('gateway_outbox_answers{gateway="gate-1"}')).toBe(4);
    expect(get('gateway_outbox_oldest_seconds{gateway="gate-1"}')).toBe(2.5);
    expect(get('gateway_disk_free_ratio{gateway="gate-1"}')).toBe(0.71);
    expect(get('answers_lost_total{gateway="gate-1",cause="outbox"}')).toBe(6);
    expect(get('answers_lost_total{gateway="gate-1",cause="quarantine"}')).toBe(0);
    expect(get('envelopes_total{outcome="refused.too-old"}')).toBe(5);
    expect(get('alerts_open{severity="critical"}')).toBe(1);
    expect(get('alerts_open{severity="info"}')).toBe(2);
    expect(get('alerts_open{severity="warning"}')).toBe(0);
    expect(get('certificate_expires_in_seconds{owner="broker",name="broker"}')).toBe(900 * 86_400);
    expect(get('certificate_expires_in_seconds{owner="backend",name="backend"}')).toBe(400 * 86_400);
    expect(get('certificate_expires_in_seconds{owner="gateway",name="gate-1"}')).toBeGreaterThan(0);
    expect(get('disk_free_bytes{}')).toBeGreaterThan(0);
    expect(get('disk_size_bytes{}')).toBeGreaterThan(get('disk_free_bytes{}')!);
    expect(get('decryption_stuck{}')).toBe(0);
    expect(get('broker_connected{}')).toBe(1);
    // What is shown now, where that is an older one that ends soon.
    state = {
      ...state,
      endingCertificates: [
        { owner: 'backend', name: 'backend', ends: new Date(NOW_MS + DAY_MS).toISOString() },
      ],
    };
    expect((await read()).get('certificate_expires_in_seconds{owner="backend",name="backend"}')).toBe(86_400);
  });

  it('are all listed in docs/metrics.md', async () => {
    await take(settled());
    await site.store.counters.add('accepted');
    await site.store.deliveries.counts();
    const { metrics: backend } = await read();
    const agent = new AgentMetrics(() => SNAPSHOT, tmpdir());
    agent.observe({ prepareMs: 1, encryptMs: 2, evaluateMs: 3 }, 7);
    const { metrics: gateway, mistakes } = readMetrics(await agent.text());
    expect(mistakes).toEqual([]);
    const isOwn = ({ name }: Metric) => !/^blindsight_(?:nodejs|process)_/.test(name);
    await expect(page(backend.filter(isOwn), gateway)).toMatchFileSnapshot(
      join(import.meta.dirname, '../docs/metrics.md'),
    );
  });
});

/** Labels of metrics of which there are no samples here. */
const LABELS: Readonly<Record<string, string>> = {
  blindsight_store_trouble: '`code`',
  blindsight_alert_deliveries_waiting: '`channel`',
  blindsight_gateway_key_told_ratio: '`gateway`',
  blindsight_certificate_expires_in_seconds: '`owner`, `name`',
};

/** Columns of equal width, as Biome writes a table. */
function tableOf([head, ...rows]: readonly (readonly string[])[]): string[] {
  const widths = head!.map((_, at) => Math.max(...[head!, ...rows].map((row) => row[at]!.length)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, at) => cell.padEnd(widths[at]!)).join(' | ')} |`;
  return [head!, widths.map((width) => '-'.repeat(width)), ...rows].map(line);
}

function page(backend: readonly Metric[], gateway: readonly Metric[]): string {
  const table = (metrics: readonly Metric[]) =>
    tableOf([
      ['metric', 'type', 'labels', 'tells'],
      ...metrics.map(({ name, type, labels, help }) => {
        const told =
          labels.length === 0 ? (LABELS[name] ?? '') : labels.map((label) => `\`${label}\``).join(', ');
        return [`\`${name}\``, type, told, help];
      }),
    ]);
  return `${[
    '# Metrics',
    '',
    'For Prometheus, in its text format. [Operations](operations.md#metrics) says how to fetch them and what to watch. Written by `test/metrics.test.ts` (`vitest run test/metrics.test.ts -u`).',
    'Names and units follow its conventions: seconds, bytes, ratios, and counters that end in `_total`. Series are bounded: those of cameras and gateways that are gone go with them.',
    '',
    '## Of the backend',
    '',
    '`http://127.0.0.1:8480/metrics`, for integrators. Those of Node.js are there, too (`blindsight_process_…`, `blindsight_nodejs_…`).',
    '',
    ...table(backend),
    '',
    '## Of a gateway',
    '',
    '`http://127.0.0.1:9470/metrics`, on the gateway itself.',
    '',
    ...table(gateway),
  ].join('\n')}\n`;
}
