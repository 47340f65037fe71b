import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '#config/load.ts';
import { BackendConfig } from '#config/schema.ts';
import type { SiteState } from '#protocol/api.ts';
import { siteFiles } from '../backend/site-folder.ts';
import { DaemonProcess } from '../demo/daemon-process.ts';
import { freePort } from '../demo/ports.ts';
import { changeSettings } from '../demo/settings.ts';
import { COUNTER_CLIP, SimulatedCamera } from '../demo/simulated-camera.ts';
import { importClosure } from '../deploy/edge/closure.ts';
import { readSource, root } from './source-files.ts';
import { SiteProcess } from './testing/site-process.ts';

const run = promisify(execFile);

/** What must not be on a gateway: what decrypts, what reads plain networks, what belongs to the other side. */
const FORBIDDEN_FOLDERS = [
  'fhe/secret/',
  'fhe/design',
  'fhe/engine/costs/',
  'fhe/testing/',
  'network/',
  'backend/',
  'broker/',
  'cockpit/',
  'bench/',
  'test/',
];
const FORBIDDEN_PACKAGES = ['fastify', 'aedes', 'pg', 'preact', 'vite', 'assemblyscript', '@peculiar/x509'];

describe('edge image', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'blindsight-edge-'));
    execFileSync(process.execPath, [join(root, 'deploy/edge/assemble.ts'), folder]);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('holds no decryptor, no network reader and nothing of the backend', () => {
    const { files, packages } = importClosure(root, ['deploy/edge/main.ts']);
    expect(files).toContain('agent/main.ts');
    expect(files.filter((file) => FORBIDDEN_FOLDERS.some((name) => file.startsWith(name)))).toEqual([]);
    expect(packages).toContain('node_modules/pino');
    // Its preview draws in a browser.
    expect(files).toContain('agent/preview/page/index.html');
    expect(packages).toContain('node_modules/@cycjimmy/jsmpeg-player');
    expect(packages.filter((name) => FORBIDDEN_PACKAGES.includes(name.replace('node_modules/', '')))).toEqual(
      [],
    );
    for (const name of ['backend', 'network', 'fhe/secret'])
      expect(existsSync(join(folder, name))).toBe(false);
  });

  it('runs by itself: everything that the agent imports is in it', async () => {
    const { stdout } = await run(join(folder, 'bin/blindsight'), ['agent', '--help'], { cwd: tmpdir() });
    expect(stdout).toContain('--config <file>');
    const failure = await run(join(folder, 'bin/blindsight'), ['agent', '--config', 'no-such-file.yaml'], {
      cwd: tmpdir(),
    }).catch((error: { code: number; stderr: string }) => error);
    expect(failure).toMatchObject({ code: 1 });
    expect(failure.stderr).toContain('code: CONFIG_UNREADABLE');
  });

  it('watches the camera of a site', async () => {
    const data = mkdtempSync(join(tmpdir(), 'blindsight-edge-site-'));
    const first = new SiteProcess(data, '--once', '1', '--port', String(await freePort(0)));
    expect(await first.exit, first.notes).toBe(0);
    first.cleanUp();

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
    const agent = spawn(join(folder, 'bin/blindsight'), ['agent', '--config', agentConfig], {
      cwd: tmpdir(),
      stdio: 'ignore',
    });
    const startedAt = Date.now();
    try {
      const config = await loadConfig(files.backendConfig, BackendConfig);
      const newest = async () => {
        const response = await fetch(`http://127.0.0.1:${config.api.port}/api/state`).catch(() => null);
        if (response?.status !== 200) return 0;
        const state = (await response.json()) as SiteState;
        const counter = state.cameras.find(({ camera }) => camera === 'counter');
        return Date.parse(counter?.result?.frameTime ?? '1970-01-01T00:00:00Z');
      };
      await expect.poll(newest, { timeout: 90_000, interval: 250 }).toBeGreaterThan(startedAt);
      const exit = once(agent, 'exit');
      agent.kill('SIGTERM');
      expect(await exit).toEqual([0, null]);
    } finally {
      agent.kill('SIGKILL');
      await camera.stop();
      for (const daemon of daemons.reverse()) await daemon.stop();
      rmSync(data, { recursive: true });
    }
  });

  it('is described by a Dockerfile that runs as nobody in particular and says how it is', () => {
    const dockerfile = readSource('Dockerfile.edge');
    expect(dockerfile).toMatch(/^USER 10001:10001$/m);
    expect(dockerfile).toMatch(/^HEALTHCHECK /m);
    expect(dockerfile.match(/^FROM \S+@sha256:[0-9a-f]{64}\b/gm)).toHaveLength(2);
    expect(dockerfile.match(/^FROM /gm)).toHaveLength(2);
    expect(dockerfile).toMatch(/^RUN npm ci --omit=dev /m);
    expect(dockerfile).not.toMatch(/npm (install|i)\b/);
    for (const [, source] of dockerfile.matchAll(/^COPY (deploy\S+)/gm)) {
      expect(existsSync(join(root, source!))).toBe(true);
    }
  });
});
