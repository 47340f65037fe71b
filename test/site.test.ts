import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '#config/load.ts';
import { BackendConfig } from '#config/schema.ts';
import type { SiteState } from '#protocol/api.ts';
import { seededDelays } from '#runtime/testing/seeded-delays.ts';
import { siteFiles } from '../backend/site-folder.ts';
import { DaemonProcess } from '../demo/daemon-process.ts';
import { changeSettings } from '../demo/settings.ts';
import { COUNTER_CLIP, SimulatedCamera } from '../demo/simulated-camera.ts';
import { assembleEdgeTree } from '../deploy/edge/edge-tree.ts';
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
      .poll(() => existsSync(join(data, 'backend.yaml')), { timeout: 120_000, interval: 20 })
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
    await expect.poll(answering, { timeout: 240_000, interval: 100 }).toEqual(['carpark', 'counter']);

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

  it('is watched by the edge image, too', async () => {
    const image = mkdtempSync(join(tmpdir(), 'blindsight-edge-'));
    await assembleEdgeTree(root, image);
    const files = siteFiles(data);
    const agentConfig = join(data, 'gateways', 'gateway-1', 'agent.yaml');
    const quiet = () => {};
    const logs = join(data, 'logs');
    const daemons = [
      new DaemonProcess('broker', files.brokerConfig, join(logs, 'broker.log'), quiet),
      new DaemonProcess('backend', files.backendConfig, join(logs, 'backend.log'), quiet),
    ];
    for (const daemon of daemons) daemon.start();
    const camera = await SimulatedCamera.start(COUNTER_CLIP, quiet);
    await changeSettings(agentConfig, [[['cameras', 0, 'url'], camera.url]]);
    const agent = spawn(join(image, 'bin/blindsight'), ['agent', '--config', agentConfig], {
      cwd: tmpdir(),
      stdio: 'ignore',
    });
    const startedAt = Date.now();
    try {
      const config = await loadConfig(files.backendConfig, BackendConfig);
      const newest = async () => {
        const response = await fetch(`http://127.0.0.1:${config.api.port}/api/state`).catch(() => null);
        if (response?.status !== 200) return 0;
        const { cameras } = (await response.json()) as SiteState;
        const counter = cameras.find((one) => one.camera === 'counter');
        return Date.parse(counter?.result?.frameTime ?? '1970-01-01T00:00:00Z');
      };
      await expect.poll(newest, { timeout: 240_000, interval: 250 }).toBeGreaterThan(startedAt);
      const exit = once(agent, 'exit');
      agent.kill('SIGTERM');
      expect(await exit).toEqual([0, null]);
    } finally {
      agent.kill('SIGKILL');
      await camera.stop();
      for (const daemon of daemons.reverse()) await daemon.stop();
      rmSync(image, { recursive: true });
    }
  });

  /** The daemons start again by themselves, as under systemd; what is proven is that no answer is lost and none is decrypted twice. It may be published twice, as the same bytes. */
  describe('kill -9 at any moment', () => {
    const state = async () => (await (await fetch(`${site.origin}/api/state`)).json()) as SiteState;
    const kill = (name: string) => {
      const member = site.members.find(({ command }) => command.includes(`main.ts ${name} `));
      expect(member, `${name} runs`).toBeDefined();
      process.kill(member!.pid, 'SIGKILL');
    };
    /** Waits until results come that were captured after now. */
    const untilAnsweredAnew = async () => {
      const now = Date.now();
      await expect
        .poll(() => site.results.filter((result) => Date.parse(result.frameTime) > now).length, {
          timeout: 240_000,
          interval: 250,
        })
        .toBeGreaterThan(1);
    };

    it('starts again', async () => {
      site = start();
      await untilAnsweredAnew();
    });

    it.each(['broker', 'backend', 'agent', 'backend'])('%s comes back', async (name) => {
      const [delayMs = 0] = seededDelays(1, 2_000);
      await sleep(delayMs);
      kill(name);
      await untilAnsweredAnew();
      const { gateways } = await state();
      expect(gateways[0]).toMatchObject({ quarantine: null, reported: { bundle: { status: 'active' } } });
    });

    it('broker and backend die together', async () => {
      kill('broker');
      kill('backend');
      await untilAnsweredAnew();
    });

    it('lost none and decrypted none twice', async () => {
      const frames = site.results.map(({ camera, frameTime }) => `${camera} ${frameTime}`);
      // Decrypted again it would differ, in its sequence or in the time that it took.
      expect(new Set(site.lines).size).toBe(new Set(frames).size);
      // After an absence what is current comes first: what waited is missing until it is settled.
      await expect
        .poll(async () => (await state()).counters, { timeout: 240_000, interval: 250 })
        .toMatchObject({ gaps: 0, withheld: 0, refused: {} });
      site.child.kill('SIGTERM');
      expect(await site.exit).toBe(0);
      await nothingRuns(site);
    });
  });

  it('shows the password of an own camera nowhere, and ends on Ctrl-C', async () => {
    // Nobody listens on this port: the camera is refused, which must not end anything.
    const own = start('--camera', 'rtsp://guard:hunter2@127.0.0.1:9/stream');
    await expect.poll(() => own.notes, { timeout: 240_000 }).toMatch(/camera camera: (?!starting)/);
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
