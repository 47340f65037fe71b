import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { RtspServer } from '#agent/testing/rtsp-server.ts';
import { deployModel } from '#backend/operations/deploy-model.ts';
import { enrolGateway } from '#backend/operations/enrol-gateway.ts';
import { initializeSite } from '#backend/operations/initialize-site.ts';
import { protectModel } from '#backend/operations/protect-model.ts';
import { withSite } from '#backend/site-folder.ts';
import { openSqliteReadOnly } from '#backend/store/sqlite.ts';
import type { SiteState } from '#protocol/api.ts';
import { decodeEnvelope } from '#protocol/envelope.ts';
import { freePort } from '#runtime/ports.ts';
import { DaemonProcess } from '../demo/daemon-process.ts';
import { changeSettings } from '../demo/settings.ts';
import { root } from './source-files.ts';
import { BRIGHTNESS, writeTwoLogits } from './testing/two-logits.ts';

const WAIT = { timeout: 240_000, interval: 100 };
const run = promisify(execFile);

/** An answer that a store holds. */
type Stored = { readonly session: number; readonly sequence: number; readonly frameMs: number };

/** A site of real daemons is backed up while its gateway answers, lost, and made anew from the backup in another folder. */
describe('drill of a backup', () => {
  let folder: string;
  let camera: RtspServer;
  let apiPort: number;
  const daemons = new Map<string, DaemonProcess>();
  const at = (name: string) => join(folder, name);

  const start = (name: string, configFile: string) => {
    const daemon = new DaemonProcess(name, configFile, at(`${name}.log`), () => {});
    daemons.set(name, daemon);
    daemon.start();
  };
  /** As a power cut does. */
  const kill = async (name: string) => {
    const daemon = daemons.get(name)!;
    const stopped = daemon.stop();
    process.kill(daemon.pid!, 'SIGKILL');
    await stopped;
  };
  const blindsight = async (...words: string[]) =>
    (await run(process.execPath, [join(root, 'cli', 'main.ts'), ...words])).stdout;

  async function stored(site: string): Promise<Stored[]> {
    const database = openSqliteReadOnly(join(at(site), 'blindsight.db'));
    try {
      return await database.all<Stored>(
        'SELECT session, sequence, frame_ms AS "frameMs" FROM results ORDER BY session, sequence',
      );
    } finally {
      await database.close();
    }
  }

  /** Times of the pictures whose answers wait on the gateway, ms; those that leave meanwhile are left out. */
  const waiting = () => {
    const outbox = join(at('gate'), 'data', 'outbox');
    const names = readdirSync(outbox).filter((name) => name.endsWith('.envelope'));
    return names.flatMap((name) => {
      const file = join(outbox, name);
      return existsSync(file) ? [decodeEnvelope(readFileSync(file), 2 ** 20).envelope.frameTimeMs] : [];
    });
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'blindsight-drill-'));
    camera = await RtspServer.start();
    apiPort = await freePort(0);
    const brokerPort = await freePort(0);
    const files = await initializeSite(at('site'), 'yard', { brokerPort, apiPort });
    const network = await writeTwoLogits(folder, BRIGHTNESS);
    const agentConfig = await withSite(at('site'), async (site) => {
      await protectModel({ site, network });
      const outDirectory = at('gate');
      const brokerUrl = `mqtts://localhost:${brokerPort}`;
      const { configFile } = await enrolGateway({ site, name: 'gate', outDirectory, brokerUrl });
      await deployModel({ site, model: 'brightness', gateway: 'gate' });
      return configFile;
    });
    const url = `rtsp://127.0.0.1:${camera.port}/halves`;
    await changeSettings(agentConfig, [[['cameras'], [{ name: 'door', url, rate: 5 }]]]);
    start('broker', files.brokerConfigFile);
    start('backend', files.configFile);
    start('agent', agentConfig);
    await vi.waitFor(async () => expect((await stored('site')).length).toBeGreaterThan(5), WAIT);
  });

  afterAll(async () => {
    await Promise.all([...daemons.values()].map((daemon) => daemon.stop()));
    await camera?.stop();
    rmSync(folder, { recursive: true });
  });

  it('loses no answer that was stored before, has none twice, and its gateway goes on', async () => {
    const before = await stored('site');
    await blindsight('site', 'backup', at('backup'), '--data', at('site'), '--key-out', at('key'));
    const after = await stored('site');
    expect(after.length, 'the gateway answers while the backup is taken').toBeGreaterThan(before.length);

    await kill('backend');
    await kill('broker');
    rmSync(at('site'), { recursive: true });
    await vi.waitFor(() => expect(waiting().length).toBeGreaterThan(4), WAIT);
    cpSync(at('backup'), at('elsewhere'), { recursive: true });
    rmSync(at('backup'), { recursive: true });

    const said = await blindsight(
      ...['site', 'restore', at('elsewhere'), '--verify', '--installation-key', at('key')],
    );
    const counted = Number(/Answers: (\d+)\./.exec(said)?.[1]);
    expect(counted).toBeGreaterThanOrEqual(before.length);
    await blindsight(
      ...['site', 'restore', at('elsewhere'), '--data', at('new'), '--installation-key', at('key')],
    );
    const restored = await stored('new');
    expect(restored).toHaveLength(counted);
    expect(restored.slice(0, before.length)).toEqual(before);

    const waited = waiting();
    const restartedMs = Date.now();
    start('broker', join(at('new'), 'broker.yaml'));
    start('backend', join(at('new'), 'backend.yaml'));
    const state = async () =>
      (await (await fetch(`http://127.0.0.1:${apiPort}/api/state`)).json()) as SiteState;
    // It takes the release that the restored site made anew, and goes on answering about the present.
    const answersAnew = async (sinceMs: number) => {
      const { gateways, cameras } = await state();
      const gateway = { name: 'gate', state: 'online', quarantine: null };
      expect(gateways).toMatchObject([{ ...gateway, reported: { bundle: { status: 'active' } } }]);
      expect(gateways[0]!.reported!.bundle.counter).toBeGreaterThan(1.7e9);
      const { frameTime, historical } = cameras[0]!.result!;
      expect(Date.parse(frameTime)).toBeGreaterThan(sinceMs);
      expect(historical).toBe(false);
    };
    await vi.waitFor(() => answersAnew(restartedMs), WAIT);
    const activeMs = Date.now();
    await vi.waitFor(() => answersAnew(activeMs), WAIT);
    expect((await state()).counters).toMatchObject({ withheld: 0, refused: {} });

    // What waited comes after what is current.
    const missing = async () => {
      const pictures = new Set((await stored('new')).map(({ frameMs }) => frameMs));
      return waited.filter((frameMs) => !pictures.has(frameMs));
    };
    await expect.poll(missing, WAIT).toEqual([]);
    for (const name of ['agent', 'backend']) await daemons.get(name)!.stop();
    const all = await stored('new');
    expect(all.slice(0, restored.length)).toEqual(restored);
    const pictures = all.map(({ frameMs }) => frameMs);
    // Two pictures may have come within a millisecond, but then the second one is answered next; an answer that was numbered anew is not.
    const twice = all.filter(({ frameMs, session, sequence }, i) => {
      const first = all[pictures.indexOf(frameMs)]!;
      return first !== all[i] && !(first.session === session && first.sequence === sequence - 1);
    });
    expect(twice, 'no picture is answered twice').toEqual([]);
    expect(after.length).toBeGreaterThanOrEqual(restored.length);
  });
});
