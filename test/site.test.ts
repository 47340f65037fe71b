import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SiteState } from '#protocol/api.ts';
import { root } from './source-files.ts';
import { SiteProcess } from './testing/site-process.ts';

const run = promisify(execFile);

/** Two cameras, one gateway with a network for each, one broker, one backend, all real: from the picture to the decrypted answer. */
describe('a whole site', () => {
  let data: string;
  const sites: SiteProcess[] = [];
  const start = (...options: string[]) => {
    const site = new SiteProcess(data, ...options);
    sites.push(site);
    return site;
  };

  const nothingRuns = (site: SiteProcess) => expect.poll(() => site.members).toEqual([]);

  beforeAll(() => {
    data = mkdtempSync(join(tmpdir(), 'blindsight-site-'));
  });
  afterAll(() => {
    for (const site of sites) site.cleanUp();
    rmSync(data, { recursive: true, force: true });
  });

  it('can be ended in the middle of the first run', async () => {
    const site = start();
    // Keys and settings are there: the network is being encrypted, which takes less than a step that is announced without a terminal.
    await expect
      .poll(() => existsSync(join(data, 'backend.yaml')), { timeout: 60_000, interval: 20 })
      .toBe(true);
    site.child.kill('SIGINT');
    expect(await site.exit).toBe(130);
    expect(site.notes).not.toContain('code:');
    await nothingRuns(site);
  });

  it('makes everything on the first run, answers, and ends with nothing left running', async () => {
    const site = start('--once', '3');
    expect(await site.exit, site.notes).toBe(0);
    expect(site.results).toHaveLength(3);
    for (const result of site.results) {
      if (result.task === 'map') {
        expect(result).toMatchObject({ camera: 'carpark', model: 'carpark-map' });
        expect(result.counts).toEqual({ car: result.points!.length });
      } else {
        expect(result).toMatchObject({ camera: 'counter', model: 'counter' });
        expect(['present', 'absent']).toContain(result.label);
        const shares = Object.values(result.probabilities!);
        expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 0);
        expect(result.probability).toBe(Math.max(...shares));
      }
      expect(result.latencyMs.evaluate).toBeGreaterThan(0);
      expect(Math.abs(Date.now() - Date.parse(result.frameTime))).toBeLessThan(300_000);
    }
    expect(new Set(site.results.map((result) => result.sequence)).size).toBe(3);
    await nothingRuns(site);
  });

  it('ends with a code where the results that were asked for cannot come', async () => {
    const gateway = (...words: string[]) =>
      run(process.execPath, [join(root, 'cli/main.ts'), 'gateway', ...words, '--data', data]);
    await gateway('quarantine', 'gateway-1', '--reason', 'a test');
    const site = start('--once', '3');
    expect(await site.exit).toBe(1);
    expect(site.notes).toContain('0 of 3 results came, then gateway gateway-1 is in quarantine: a test');
    expect(site.notes).toContain('code: DEMO_NO_RESULTS');
    await nothingRuns(site);
    await gateway('release', 'gateway-1', '--discard');
  });

  it('keeps every secret to itself', () => {
    const exposed = readdirSync(data, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.key$|\.db$|\.yaml$|\.credentials$/.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((file) => (statSync(file).mode & 0o077) !== 0);
    expect(exposed.filter((file) => !file.endsWith('.yaml'))).toEqual([]);
    const logs = readdirSync(join(data, 'logs')).map((name) =>
      readFileSync(join(data, 'logs', name), 'utf8'),
    );
    expect(logs.join('')).not.toMatch(/PRIVATE KEY/);
  });

  let site: SiteProcess;

  it('goes on from what is there, and shows the page', async () => {
    site = start();
    const answering = () => [...new Set(site.results.map(({ camera }) => camera))].sort();
    await expect.poll(answering, { timeout: 120_000, interval: 100 }).toEqual(['carpark', 'counter']);

    const page = await fetch(`${site.origin}/`);
    expect(page.headers.get('content-type')).toContain('text/html');
    expect(await page.text()).toContain('<script');
    const state = (await (await fetch(`${site.origin}/api/state`)).json()) as SiteState;
    const isStreaming = { state: 'streaming' };
    expect(state.cameras).toMatchObject([
      { camera: 'carpark', state: isStreaming, zones: [{ name: 'left-lane' }, { name: 'right-lane' }] },
      { camera: 'counter', state: isStreaming, zones: [] },
    ]);
    // Encrypting again would have released again.
    const reported = { bundle: { counter: 1 }, networks: [{ network: 'carpark-map', counter: 2 }] };
    const gateway = { state: 'online', quarantine: null, reported };
    expect(state.gateways[0]).toMatchObject(gateway);
    expect(state.counters).toMatchObject({ gaps: 0, withheld: 0, refused: {} });
  });

  it('refuses a second site on the same folder, and a port that is taken', async () => {
    const second = start();
    expect(await second.exit).toBe(1);
    expect(second.notes).toContain('code: DATA_IN_USE');
    const other = mkdtempSync(join(tmpdir(), 'blindsight-site-'));
    const third = new SiteProcess(other, '--port', new URL(site.origin).port);
    sites.push(third);
    expect(await third.exit).toBe(1);
    expect(third.notes).toContain('code: DEMO_PORT_TAKEN');
    rmSync(other, { recursive: true });
  });

  it('leaves nothing running when it is killed', async () => {
    const names = () => site.members.map(({ command }) => command).join('\n');
    for (const part of [' broker ', ' backend ', ' agent ', 'camera.py', 'ffmpeg'])
      await expect.poll(names).toContain(part);
    site.child.kill('SIGKILL');
    await nothingRuns(site);
  });

  it('shows the password of an own camera nowhere, and ends on Ctrl-C', async () => {
    // Nobody listens on this port: the camera is refused, which must not end anything.
    const own = start('--camera', 'rtsp://guard:hunter2@127.0.0.1:9/stream');
    await expect.poll(() => own.notes, { timeout: 60_000 }).toMatch(/camera camera: (?!starting)/);
    expect(own.members.map(({ command }) => command).join('\n')).not.toContain('hunter2');
    own.child.kill('SIGINT');
    expect(await own.exit).toBe(0);
    await nothingRuns(own);
    expect(own.notes).not.toContain('hunter2');
    const holders = readdirSync(data, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((file) => readFileSync(file).includes('hunter2'));
    expect(holders).toHaveLength(1);
    expect(holders[0]).toMatch(/camera\.credentials$/);
    expect(statSync(holders[0]!).mode & 0o777).toBe(0o600);
  });
});
