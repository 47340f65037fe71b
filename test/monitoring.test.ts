import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { EventHub } from '#backend/api/event-hub.ts';
import { startApi } from '#backend/api/server.ts';
import { AnswerMetrics } from '#backend/metrics/answer-metrics.ts';
import { makeTestSite, type TestSite } from '#backend/testing/test-site.ts';
import { systemClock } from '#runtime/clock.ts';
import { createLogger } from '#runtime/log.ts';
import { freePort } from '#runtime/ports.ts';
import { cameraOf, gatewayOf, siteOf } from '../cockpit/testing/fixtures.ts';
import { root } from './source-files.ts';

const FOLDER = join(root, 'deploy/monitoring');
const TOKEN = 'a-long-token-for-tests';
const WAIT = { timeout: 120_000, interval: 250 };
const run = promisify(execFile);
const log = createLogger({ name: 'test', level: 'error', format: 'json', destination: { write: () => {} } });

const textOf = (name: string) => readFileSync(join(FOLDER, name), 'utf8');
const rules = textOf('alerts.yml');

/** What panels of the dashboard ask for, by their titles. */
const asked = (
  JSON.parse(textOf('dashboard.json')) as { panels: { title: string; targets: { expr: string }[] }[] }
).panels.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ title, expr })));

describe('rules for Prometheus', () => {
  it('stay silent on a calm site and each speak in their own case', async () => {
    const { stdout } = await run('promtool', ['test', 'rules', join(FOLDER, 'alerts.test.yml')]);
    expect(stdout).toContain('SUCCESS');
    const names = [...rules.matchAll(/- alert: (\S+)/g)].map(([, name]) => name);
    expect(names.length).toBeGreaterThan(20);
    const told = new Set(textOf('alerts.test.yml').match(/(?<=alertname=")\w+/g));
    expect(names.filter((name) => !told.has(name!))).toEqual([]);
  });

  it('and the dashboard know metrics of docs/metrics.md only', () => {
    const listed = readFileSync(join(root, 'docs/metrics.md'), 'utf8');
    const recorded = new Set(rules.match(/(?<=record: )\S+/g));
    const named = `${rules.replace(/^\s*#.*/gm, '')}${asked.map(({ expr }) => expr).join('\n')}`;
    const unknown = [...new Set(named.match(/\bblindsight[_:][\w:]+/g))].filter(
      (name) =>
        !recorded.has(name) &&
        !/^blindsight_process_/.test(name) &&
        !listed.includes(`\`${name.replace(/_(?:bucket|count|sum)$/, '')}\``),
    );
    expect(unknown).toEqual([]);
  });

  it('say what happened and what to do', () => {
    const alerts = rules.split('- alert: ').slice(1);
    expect(alerts.filter((text) => !/severity: (?:critical|warning) \}/.test(text))).toEqual([]);
    expect(alerts.filter((text) => !/summary: ".+"\n\s+todo: ".+"/.test(text))).toEqual([]);
  });
});

describe('a real Prometheus beside a backend', () => {
  let site: TestSite;
  let api: Awaited<ReturnType<typeof startApi>>;
  let hub: EventHub;
  let folder: string;
  let prometheus: ChildProcess;
  let said = '';
  let url: string;

  beforeAll(async () => {
    site = await makeTestSite();
    folder = mkdtempSync(join(tmpdir(), 'blindsight-prometheus-'));
    const state = siteOf({
      gateways: [gatewayOf({ state: 'offline' })],
      cameras: [cameraOf({ camera: 'door' })],
    });
    hub = new EventHub(
      async () => state,
      () => {},
    );
    api = await startApi({
      ...{ site, hub, log, clock: systemClock, answers: new AnswerMetrics(), token: TOKEN },
      ...{ snapshot: async () => state, isStuck: () => false, broker: () => state.broker },
      ...{ host: '127.0.0.1', port: 0, pageDirectory: '/nowhere' },
    });
    writeFileSync(join(folder, 'alerts.yml'), rules.replace('interval: 1m', 'interval: 1s'));
    writeFileSync(join(folder, 'token'), TOKEN, { mode: 0o600 });
    const settings = textOf('prometheus.yml')
      .replace('/etc/prometheus/blindsight.token', join(folder, 'token'))
      .replace('127.0.0.1:8480', `127.0.0.1:${api.port}`)
      .replaceAll('_interval: 15s', '_interval: 1s');
    writeFileSync(join(folder, 'prometheus.yml'), settings);
    const port = await freePort(0);
    url = `http://127.0.0.1:${port}/api/v1`;
    prometheus = spawn(
      'prometheus',
      [
        `--config.file=${join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    prometheus.stderr!.on('data', (text: Buffer) => {
      said += text.toString();
    });
  });
  afterAll(async () => {
    if (prometheus.exitCode === null) {
      prometheus.kill();
      await once(prometheus, 'exit');
    }
    await api.close();
    hub.close();
    await site.close();
    rmSync(folder, { recursive: true });
  });

  async function ask<T>(path: string): Promise<T> {
    const response = await fetch(`${url}/${path}`).catch(() => {
      throw new Error(`Prometheus does not answer: ${said}`);
    });
    const { status, data, error } = (await response.json()) as { status: string; data: T; error?: string };
    expect([path, status, error]).toEqual([path, 'success', undefined]);
    return data;
  }
  const query = (expr: string) =>
    ask<{ result: { metric: Record<string, string>; value: [number, string] }[] }>(
      `query?query=${encodeURIComponent(expr)}`,
    );

  it('fetches the metrics with the token, and holds the rules without a mistake', async () => {
    await vi.waitFor(
      async () => expect((await query('up{job="blindsight"}')).result[0]?.value[1]).toBe('1'),
      WAIT,
    );
    expect((await query('blindsight_gateway_online')).result).toMatchObject([
      { metric: { gateway: 'gate-1' }, value: [expect.anything(), '0'] },
    ]);
    type Rule = { name: string; health: string; state?: string };
    const read = async () =>
      (await ask<{ groups: { rules: Rule[] }[] }>('rules')).groups.flatMap((group) => group.rules);
    await vi.waitFor(
      async () =>
        expect((await read()).filter(({ health }) => health !== 'ok').map(({ name }) => name)).toEqual([]),
      WAIT,
    );
    await vi.waitFor(
      async () =>
        expect((await read()).find(({ name }) => name === 'BlindsightGatewayOffline')?.state).toBe('pending'),
      WAIT,
    );
  });

  it('answers everything that the dashboard asks', async () => {
    expect(asked.length).toBeGreaterThan(15);
    for (const { expr } of asked) await query(expr);
    // The recorded ones are there, too.
    await vi.waitFor(
      async () => expect((await query('blindsight:cameras_streaming:ratio')).result.length).toBe(1),
      WAIT,
    );
  });
});
