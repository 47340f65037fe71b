import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runAgent } from '#agent/main.ts';
import { enrolGateway } from '#backend/operations/enrol-gateway.ts';
import { enrolTestGateway } from '#backend/testing/test-site.ts';
import { loadConfig } from '#config/load.ts';
import { AgentConfig } from '#config/schema.ts';
import type { SiteState } from '#protocol/api.ts';
import type { Reported } from '#protocol/messages.ts';
import { gatewayTopics, siteTopics } from '#protocol/topics.ts';
import { systemClock } from '#runtime/clock.ts';
import { connectLink, type Link } from '#runtime/link.ts';
import { readLinkCredentials } from '#runtime/link-credentials.ts';
import { freePort } from '#runtime/ports.ts';
import { root } from './source-files.ts';
import { type RunningSite, startRunningSite } from './testing/running-site.ts';

const WAIT = { timeout: 120_000, interval: 100 };

/** Settings on their way from a file of an operator to a gateway: command line, store, backend, broker and agent, all real. */
describe('settings of a gateway from afar', () => {
  let yard: RunningSite;
  let folder: string;
  let camera: string;
  let watcher: Link;
  const stop = new AbortController();
  const agents: Promise<void>[] = [];
  /** Everything that passed the broker. */
  const passed: Buffer[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'blindsight-configuration-'));
    yard = await startRunningSite();
    // Nobody listens there: what happens to pictures is the business of other tests.
    camera = `rtsp://127.0.0.1:${await freePort(0)}/door`;
    const certificate = (name: string) => join(yard.site.dataDirectory, 'certificates', name);
    watcher = connectLink({
      url: yard.brokerUrl,
      ...(await readLinkCredentials({
        ca: certificate('ca.pem'),
        certificate: certificate('backend.pem'),
        key: certificate('backend.key'),
      })),
      clientId: 'watcher',
      clock: systemClock,
      log: yard.log,
    });
    watcher.subscribe(`${siteTopics('yard').prefix}/#`, (_, payload) => passed.push(Buffer.from(payload)));
    await startAgent('gate-1');
  });
  afterAll(async () => {
    stop.abort();
    await Promise.all(agents);
    await watcher.close();
    await yard.close();
    rmSync(folder, { recursive: true });
  });

  async function startAgent(name: string, change: (directory: string) => void = () => {}): Promise<void> {
    const outDirectory = join(folder, name);
    const { configFile } = await enrolGateway({
      site: yard.site,
      name,
      outDirectory,
      brokerUrl: yard.brokerUrl,
    });
    change(outDirectory);
    agents.push(runAgent({ configFile, log: yard.log, signal: stop.signal }));
  }

  type Outcome = { readonly code: number; readonly stdout: string; readonly stderr: string };
  const config = (...words: string[]): Promise<Outcome> =>
    promisify(execFile)(process.execPath, [
      join(root, 'cli/main.ts'),
      ...['gateway', 'config', ...words, '--data', yard.site.dataDirectory],
    ]).then(
      (output) => ({ code: 0, ...output }),
      (error: Outcome) => error,
    );
  const write = (text: string, name = 'gate-1.yaml') => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const door = (more = '') =>
    `log: { level: error }\ncameras:\n  - name: door\n    url: ${camera}\n    credentials: door.credentials\n${more}`;
  const push = (text: string) => config('push', 'gate-1', '--file', write(text));

  it('makes a camera of a push, whose password nobody reads on the way', async () => {
    expect(await config('show', 'gate-1')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no settings were pushed to gate-1 yet'),
    });
    writeFileSync(join(folder, 'door.credentials'), 'ann:geheimnis\n', { mode: 0o600 });
    expect(await push(door())).toMatchObject({ code: 0, stdout: 'gate-1 runs version 1.\n' });
    const names = async () => (await yard.get<SiteState>('state')).cameras.map((one) => one.camera);
    await expect.poll(names, WAIT).toEqual(['door']);
    const agentCopy = join(folder, 'gate-1/data/configuration/1/door.credentials');
    expect(readFileSync(agentCopy, 'utf8')).toBe('ann:geheimnis');

    const [newest] = await yard.site.store.configurations.history('gate-1');
    await expect.poll(() => passed.some((bytes) => bytes.equals(newest!.wire)), WAIT).toBe(true);
    expect(passed.filter((bytes) => bytes.includes('geheimnis'))).toEqual([]);
    rmSync(join(folder, 'door.credentials'));
  });

  it('changes a mask, and keeps the password without its file', async () => {
    const shown = await config('show', 'gate-1');
    expect(shown.stdout).toMatch(/^# Version 1 of the settings of gate-1;.*\nlog: .*\ncameras:\n/);
    const masked = `${shown.stdout}    masks: [[[0, 0], [0.5, 0], [0.5, 1]]]\n`;
    const difference = await config('diff', 'gate-1', '--file', write(masked));
    expect(difference.stdout).toMatch(/^--- version 1, which runs\n.*\n\+ {4}masks: .*\n$/s);
    expect(await push(masked)).toMatchObject({ code: 0 });
    expect(await config('diff', 'gate-1')).toMatchObject({ code: 0, stdout: '' });
    // The file still says that it is a change of version 1.
    expect(await push(masked)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /a change of version 1, but version 2 was pushed by .*code: CONFIGURATION_CONFLICT/s,
      ),
    });
  });

  it('rejects a mistake with its line and path, and changes nothing', async () => {
    const { code, stderr } = await push(door('    masks: [[[0, 0], [1.5, 0], [0, 1]]]\n'));
    expect(code).toBe(3);
    expect(stderr).toMatch(
      /gate-1\.yaml:6:23: cameras\[0\]\.masks\[0\]\[1\]\[0\]: expected at most 1, got 1\.5/,
    );
    expect((await yard.site.store.configurations.newest('gate-1'))?.version).toBe(2);
  });

  it('goes back to an earlier version, and tells the history', async () => {
    expect(await config('rollback', 'gate-1', '--version', '1')).toMatchObject({
      code: 0,
      stdout: 'gate-1 runs version 3.\n',
    });
    const { stdout } = await config('history', 'gate-1');
    expect(stdout).toMatch(/^VERSION .*\n3 .* applied, runs .*\n2 .* applied .*\n1 .* applied .*\n$/);
    const state = async () =>
      (await yard.get<SiteState>('state')).gateways.find(({ name }) => name === 'gate-1');
    expect(await state()).toMatchObject({
      configuration: { version: 3, status: 'applied', running: 3, drift: false },
    });
    const journal = await yard.get<{ code: string; subject: string }[]>('journal');
    const told = journal.filter(({ code }) => code === 'CONFIGURATION_APPLIED');
    expect(told).toHaveLength(3);
  });

  it('tells what the gateway itself rejects', async () => {
    // The package of another machine: what the site seals does not open there.
    await startAgent('gate-2', (directory) => {
      const { privateKey } = generateKeyPairSync('x25519');
      const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
      writeFileSync(join(directory, 'sealing.key'), pem, { mode: 0o600 });
    });
    writeFileSync(join(folder, 'hall.credentials'), 'ann:geheimnis\n', { mode: 0o600 });
    const settings = `cameras: [{ name: hall, url: "${camera}", credentials: hall.credentials }]`;
    const file = write(settings, 'gate-2.yaml');
    expect(await config('push', 'gate-2', '--file', file)).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(
        /gate-2 changed nothing: it rejected version 1\.\n.*camera hall.*\n {2}code: CONFIGURATION_CREDENTIAL/,
      ),
    });
  });

  it('tells what the gateway gave up, and of an edited file there', async () => {
    // That a gateway reverts is held where it does, in agent/: this one only says so.
    const outDirectory = join(folder, 'gate-3');
    const { configFile } = await enrolGateway({
      ...{ site: yard.site, name: 'gate-3', outDirectory, brokerUrl: yard.brokerUrl },
    });
    const { broker } = await loadConfig(configFile, AgentConfig);
    const credentials = await readLinkCredentials(broker);
    const link = connectLink({
      ...{ url: broker.url, ...credentials, clientId: 'gate-3', clock: systemClock, log: yard.log },
    });
    const topics = gatewayTopics('yard', 'gate-3');
    const time = new Date().toISOString();
    const bundle = { active: null, previous: null, counter: 0, progress: 0, subject: null, error: null };
    const error = { code: 'CONFIGURATION_NO_LINK', message: 'version 1: no connection\u001b[31m' };
    const report: Reported = {
      ...{ time, session: 1, bundle: { status: 'none', ...bundle } },
      configuration: { status: 'reverted', version: 1, running: 0, since: time, drift: true, error },
    };
    link.subscribe(topics.desired, () => {
      void link.publish(topics.reported, JSON.stringify(report), { retain: true });
    });
    try {
      expect(await config('push', 'gate-3', '--file', write('cameras: []\n', 'gate-3.yaml'))).toMatchObject({
        code: 4,
        stderr: expect.stringMatching(
          /gate-3 runs what it ran before: it reverted version 1\.\nversion 1: no connection\?\[31m\n {2}code: CONFIGURATION_NO_LINK/,
        ),
      });
      const journal = await yard.get<{ code: string; subject: string }[]>('journal');
      const told = journal.filter(({ subject }) => subject === 'gate-3').map(({ code }) => code);
      expect(told.slice(0, 2).sort()).toEqual(['CONFIGURATION_DRIFT', 'CONFIGURATION_REVERTED']);
    } finally {
      await link.close();
    }
  });

  it('refuses a password for a gateway that was enrolled without a key for it, and waits for no answer longer than told', async () => {
    await enrolTestGateway(yard.site, 'old', '77');
    const named = `cameras: [{ name: gate, url: "${camera}", credentials: hall.credentials }]`;
    expect(await config('push', 'old', '--file', write(named, 'old.yaml'))).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('code: SEALING_KEY_MISSING'),
    });
    const file = write('cameras: []\n', 'old.yaml');
    expect(await config('push', 'old', '--file', file, '--wait', '1')).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('old did not answer within 1 s. Version 1 stays pushed'),
    });
  });
});
