import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type SoftwareManifest, signSoftware, softwareDigest } from '#protocol/software.ts';
import { endGroup } from '../agent/testing/end-group.ts';
import { makeBundle, makeNetwork } from '../agent/testing/make-bundle.ts';
import { RtspServer } from '../agent/testing/rtsp-server.ts';
import { TestBackend } from '../agent/testing/test-backend.ts';
import { TestSite } from '../agent/testing/test-site.ts';
import { until } from '../agent/testing/until.ts';
import { assembleEdgeTree, ownPlatform } from '../deploy/edge/edge-tree.ts';
import { packProgram } from '../deploy/edge/pack-program.ts';
import { root } from './source-files.ts';

let folder: string;
let camera: RtspServer;
let site: TestSite;
let backend: TestBackend;
let agent: ChildProcess | null = null;
let running = true;
let logs = '';
let counter = 0;
const base = () => join(folder, 'base');

/** As systemd does: it is started again whenever it ends. */
function start(): void {
  const config = join(site.directory, 'agent.yaml');
  agent = spawn(join(base(), 'bin', 'launch-agent'), ['--config', config], {
    detached: true,
    cwd: tmpdir(),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const hear = (text: string) => {
    logs += text;
  };
  agent.stdout?.setEncoding('utf8').on('data', hear);
  agent.stderr?.setEncoding('utf8').on('data', hear);
  const { pid } = agent;
  agent.once('close', () => {
    endGroup(pid);
    if (running) start();
  });
}

/** Packs a folder as a release for the gateway. */
async function release(program: string, change: Partial<SoftwareManifest> = {}) {
  const file = join(folder, 'archive.tar.gz');
  const { bytes, sha256, version } = await packProgram(program, file, ownPlatform(), 1);
  const contents = createHash('sha256')
    .update(readFileSync(join(program, 'RELEASE.json')))
    .digest('hex');
  const manifest: SoftwareManifest = {
    schema: 1,
    site: 'town',
    gateway: 'gate-1',
    version,
    counter: ++counter,
    createdMs: Date.now(),
    platform: ownPlatform(),
    archive: { bytes, sha256 },
    contents,
    memoryMegabytes: 50,
    ...change,
  };
  const archive = readFileSync(file);
  rmSync(file);
  return { wire: signSoftware(manifest, site.owner.privateKey), archive };
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'blindsight-edge-update-'));
  await assembleEdgeTree(root, base());
  camera = await RtspServer.start();
  const dead = '  - { name: dead, url: "rtsp://127.0.0.1:1/none", rate: 1 }';
  site = await TestSite.create(
    `  - { name: front, url: "rtsp://127.0.0.1:${camera.port}/live", rate: 5, stallSeconds: 2 }\n${dead}`,
  );
  await site.startBroker();
  backend = await TestBackend.connect(site);
  await backend.announce('online');
  await backend.deploy(makeBundle(await makeNetwork(), site.owner.privateKey));
});

afterAll(async () => {
  running = false;
  if (agent?.pid !== undefined && agent.exitCode === null && agent.signalCode === null) {
    const closed = once(agent, 'close');
    endGroup(agent.pid);
    await closed;
  }
  await backend?.close();
  await site?.close();
  await camera?.stop();
  rmSync(folder, { recursive: true });
});

const report = () => backend.reports.at(-1)?.software;
const reported = (version: string, status: string, code: string | null = null) =>
  until(
    `${status} by ${version}; last: ${JSON.stringify(report())}`,
    () =>
      report()?.version === version &&
      report()?.status === status &&
      (report()?.error?.code ?? null) === code,
    400_000,
  ).catch((error: unknown) => {
    throw new Error(`${JSON.stringify(report())}\n${logs.slice(-3000)}`, { cause: error });
  });
const more = (count: number) => {
  const from = backend.envelopes.length;
  return until(`${count} more answers`, () => backend.envelopes.length >= from + count);
};

/** One story: each step starts where the one before it ended. */
describe('the real program of a gateway', () => {
  it('runs from its installation, and answers', async () => {
    start();
    await more(3);
    expect(report()).toMatchObject({ status: 'none', version: '0.1.0', platform: ownPlatform() });
  });

  it('is updated from afar: fetched, tried, proved, with every answer that was made', async () => {
    const next = join(folder, 'next');
    cpSync(base(), next, { recursive: true });
    const manifest = join(next, 'package.json');
    writeFileSync(manifest, readFileSync(manifest, 'utf8').replace('"0.1.0"', '"0.1.1"'));
    const { wire, archive } = await release(next);
    rmSync(next, { recursive: true });
    await backend.release({ wire, archive });
    await reported('0.1.1', 'active');
    expect(report()).toMatchObject({ subject: softwareDigest(wire), counter: 1, error: null });
    await more(3);
    expect(backend.events.map(({ code }) => code)).toContain('SOFTWARE_ACTIVE');
    const said = backend.reports.map(({ software }) => software?.status);
    expect(new Set(said)).toEqual(new Set(['none', 'fetching', 'testing', 'active']));
    const sessions = Map.groupBy(backend.envelopes, ({ session }) => session);
    for (const [session, envelopes] of sessions) {
      const sequences = new Set(envelopes.map(({ sequence }) => sequence));
      expect(Math.max(...sequences), `answers of session ${session}`).toBe(sequences.size);
    }
    expect(backend.states.at(-1)).toMatchObject({ state: 'online' });
  });

  it('goes back by itself where the next one cannot live, and keeps answering', async () => {
    const bad = join(folder, 'bad');
    mkdirSync(join(bad, 'bin'), { recursive: true });
    writeFileSync(join(bad, 'package.json'), '{"version":"0.2.0"}');
    const script = '#!/bin/sh\n[ "$2" = --help ] && exit 0\necho "does not live" >&2\nexit 3\n';
    writeFileSync(join(bad, 'bin', 'blindsight'), script, { mode: 0o755 });
    await backend.release(await release(bad));
    await reported('0.1.1', 'rolled-back', 'SOFTWARE_DIED');
    expect(logs.match(/does not live/g)).toHaveLength(3);
    await until('the reason', () => backend.events.some(({ code }) => code === 'SOFTWARE_DIED'));
    await more(3);
  });

  it('takes no release for another machine, or from somebody else', async () => {
    const other = ownPlatform() === 'linux-x64' ? 'linux-arm64' : 'linux-x64';
    const bad = join(folder, 'bad');
    await backend.release(await release(bad, { platform: other }));
    await reported('0.1.1', 'refused', 'SOFTWARE_PLATFORM');
    await backend.release(await release(bad, { memoryMegabytes: 1e9 }));
    await reported('0.1.1', 'refused', 'SOFTWARE_MEMORY');
  });

  it('is found damaged when a byte of it changes on the disk; what ran before runs, and it is fetched again', async () => {
    const slot = join(site.directory, 'data', 'software', 'a', 'program');
    const file = join(slot, 'agent', 'gateway.ts');
    const bytes = readFileSync(file);
    bytes[100]! ^= 1;
    writeFileSync(file, bytes);
    // Its release again, which the site keeps: nothing else was any good.
    expect(statSync(file).size).toBe(bytes.length);
    endGroup(agent?.pid);
    await reported('0.1.0', 'refused', 'SOFTWARE_MEMORY');
    expect(logs).toMatch(
      /launch-agent: slot a is not started: .*agent\/gateway.ts has changed \(SOFTWARE_DAMAGED\)/,
    );
    expect(logs).toContain('launch-agent: the installed program is started');
    await more(3);
  });
});
