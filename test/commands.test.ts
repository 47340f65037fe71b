import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { folderSizes } from '#agent/command/folder-sizes.ts';
import { diskBounds } from '#agent/disk-bounds.ts';
import { sendCommand } from '#backend/command/send-command.ts';
import { enrolGateway } from '#backend/operations/enrol-gateway.ts';
import { loadConfig } from '#config/load.ts';
import { AgentConfig } from '#config/schema.ts';
import type { CommandView, SiteState } from '#protocol/api.ts';
import { gatewayTopics } from '#protocol/topics.ts';
import { systemClock } from '#runtime/clock.ts';
import { connectLink, type Link } from '#runtime/link.ts';
import { readLinkCredentials } from '#runtime/link-credentials.ts';
import { freePort } from '#runtime/ports.ts';
import { DaemonProcess } from '../demo/daemon-process.ts';
import { root } from './source-files.ts';
import { type RunningSite, startRunningSite } from './testing/running-site.ts';

const WAIT = { timeout: 120_000, interval: 100 };
const PASSWORDS = ['s3same-0pen', 'p@ss/w0rd+x', 'query-geheim'];

/** Orders of an operator on their way to a gateway and back: command line, store, backend, broker and a supervised agent, all real. */
describe('commands to a gateway', () => {
  let yard: RunningSite;
  let folder: string;
  let configFile: string;
  let metricsPort: number;
  let agent: DaemonProcess;
  let watcher: Link;
  const ends: string[] = [];
  /** Commands and answers that passed the broker. */
  const passed: { readonly topic: string; readonly payload: Uint8Array }[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'blindsight-commands-'));
    yard = await startRunningSite();
    const outDirectory = join(folder, 'gate-1');
    ({ configFile } = await enrolGateway({
      ...{ site: yard.site, name: 'gate-1', outDirectory, brokerUrl: yard.brokerUrl },
    }));
    const port = await freePort(0);
    metricsPort = await freePort(0);
    const [open, inUrl, query] = PASSWORDS;
    writeFileSync(join(outDirectory, 'door.credentials'), `ann:${open}\n`, { mode: 0o600 });
    writeFileSync(join(outDirectory, 'preview.token'), 'a-token-for-the-preview-0123456789\n', {
      mode: 0o600,
    });
    const text = readFileSync(configFile, 'utf8').replace(/^cameras:.*$/m, '');
    writeFileSync(
      configFile,
      `${text}
preview: { port: 0, tokenFile: preview.token }
metrics: { port: ${metricsPort} }
cameras:
  - { name: door, url: "rtsp://127.0.0.1:${port}/a", credentials: door.credentials }
  - { name: hall, url: "rtsp://bob:${encodeURIComponent(inUrl!)}@127.0.0.1:${port}/b?pwd=${query}" }
`,
      { mode: 0o600 },
    );
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
    const { prefix } = gatewayTopics('yard', 'gate-1');
    for (const leaf of ['command', 'answer'])
      watcher.subscribe(`${prefix}/${leaf}/+/+`, (topic, payload) => passed.push({ topic, payload }));
    startAgent();
    await vi.waitFor(async () => expect(await isOnline()).toBe(true), WAIT);
  });
  afterAll(async () => {
    await agent?.stop();
    await watcher?.close();
    await yard?.close();
    rmSync(folder, { recursive: true });
  });

  function startAgent(): void {
    agent = new DaemonProcess('agent', configFile, join(folder, 'agent.log'), (end) => ends.push(end));
    agent.start();
  }
  const isOnline = async () => (await yard.get<SiteState>('state')).gateways[0]?.state === 'online';
  type Outcome = { readonly code: number; readonly stdout: string; readonly stderr: string };
  const gateway = (...words: string[]): Promise<Outcome> =>
    promisify(execFile)(
      process.execPath,
      [join(root, 'cli/main.ts'), 'gateway', ...words, '--data', yard.site.dataDirectory],
      { maxBuffer: 2 ** 24 },
    ).then(
      (output) => ({ code: 0, ...output }),
      (error: Outcome) => error,
    );
  const answersTo = (id: string) => passed.filter(({ topic }) => topic.endsWith(`/answer/restart/${id}`));

  it('restart it once, and hear from the new process, however often the command comes', async () => {
    const before = agent.pid;
    const { code, stdout } = await gateway('restart', 'gate-1', '--json');
    expect(code).toBe(0);
    const command = JSON.parse(stdout) as CommandView;
    expect(command).toMatchObject({
      status: 'done',
      code: null,
      message: expect.stringMatching(/^restarted; session \d+/),
    });
    expect(agent.pid).not.toBe(before);
    expect(ends).toHaveLength(1);
    expect(ends[0]).toContain('exit code 0');
    // Recorded by a broker, and played back.
    const topic = gatewayTopics('yard', 'gate-1').command('restart', command.id);
    const recorded = passed.find((message) => message.topic === topic)!.payload;
    const [first] = answersTo(command.id);
    const heard = answersTo(command.id).length;
    await watcher.publish(topic, recorded);
    // At least once: that of before may have come a second time meanwhile.
    await expect.poll(() => answersTo(command.id).length, WAIT).toBeGreaterThan(heard);
    expect(Buffer.from(answersTo(command.id).at(-1)!.payload).equals(first!.payload)).toBe(true);
    expect(ends).toHaveLength(1);
  });

  it('raise the level of its log for a time, and fetch the log, also of the process before', async () => {
    const level = await gateway('log-level', 'gate-1', 'debug', '--for', '30m');
    expect(level).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/the log has level debug until .*; then info again/),
    });
    const logs = await gateway('logs', 'gate-1', '--lines', '500');
    expect(logs.code).toBe(0);
    expect(logs.stdout.match(/gateway started/g)).toHaveLength(2);
    expect(logs.stdout).toMatch(/carrying out the command log-level/);
    const one = await gateway('logs', 'gate-1', '--lines', '1', '--json');
    expect(one.stdout.trim().split('\n')).toHaveLength(1);
    expect(JSON.parse(one.stdout)).toMatchObject({ name: 'agent' });
  });

  it('fetch an archive without any secret of the gateway', async () => {
    const file = join(folder, 'gate-1.tar.gz');
    // As other programs may put it into our log.
    const recent = join(folder, 'gate-1/data/log/recent.jsonl');
    expect(existsSync(recent)).toBe(true);
    expect((await gateway('diagnostics', 'gate-1', '--out', file)).code).toBe(0);
    const names = execFileSync('tar', ['-tzf', file], { encoding: 'utf8' }).trim().split('\n');
    expect(names.map((name) => name.replace('diagnostics-gate-1/', '')).sort()).toEqual([
      ...['README.txt', 'cameras.json', 'disk.json', 'errors.jsonl', 'health.json', 'log.jsonl'],
      ...['metrics.txt', 'settings.yaml', 'states.json', 'versions.json'],
    ]);
    const text = gunzipSync(readFileSync(file)).toString('latin1');
    const keys = ['gateway.key', 'signing.key', 'sealing.key', 'preview.token'].flatMap((name) =>
      readFileSync(join(folder, 'gate-1', name), 'utf8')
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('-----')),
    );
    for (const secret of [...PASSWORDS, ...PASSWORDS.map(encodeURIComponent), ...keys])
      expect(text.includes(secret), secret).toBe(false);
    expect(text).toMatch(/url: rtsp:\/\/\*\*\*@127\.0\.0\.1:\d+\/b/);
    expect(await gateway('diagnostics', 'gate-1', '--out', file)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/exists already/),
    });
  });

  it('and what monitors on it see hold no secret, and tell why it is not well', async () => {
    const read = async (path: string) => {
      const response = await fetch(`http://127.0.0.1:${metricsPort}${path}`);
      return { status: response.status, text: await response.text() };
    };
    const health = await read('/healthz');
    expect(health.status).toBe(503);
    expect(JSON.parse(health.text)).toMatchObject({
      reasons: [
        'no network runs',
        expect.stringMatching(/^camera door sends no pictures/),
        expect.anything(),
      ],
    });
    const { text } = await read('/metrics');
    expect(text).toMatch(/^blindsight_agent_link_up 1$/m);
    expect(text).toMatch(/^blindsight_agent_certificate_expires_in_seconds \d+/m);
    for (const secret of PASSWORDS) expect(health.text + text).not.toContain(secret);
  });

  it('are among what the gateway keeps on its disk, all of which has a bound', async () => {
    const config = await loadConfig(configFile, AgentConfig);
    const bounds = new Map(diskBounds(config).map(({ name, maxBytes }) => [name, maxBytes]));
    const found = await folderSizes(config.data);
    expect(found.map(({ name }) => name).filter((name) => !bounds.has(name))).toEqual([]);
    expect(found.filter(({ name, bytes }) => bytes > bounds.get(name)!)).toEqual([]);
  });

  it('are answered once where the gateway is killed in the middle of them', async () => {
    const state = join(folder, 'gate-1/data/commands/state.json');
    // A supervisor that has not waited yet.
    await agent.stop();
    startAgent();
    for (const type of ['restart', 'diagnostics']) {
      const { id } = await sendCommand({ site: yard.site, gateway: 'gate-1', type, author: 'ann' });
      await vi.waitFor(() => expect(readFileSync(state, 'utf8')).toContain(id), {
        timeout: 120_000,
        interval: 1,
      });
      const { pid } = agent;
      if (pid !== undefined) process.kill(pid, 'SIGKILL');
      const settled = async () => (await yard.site.store.commands.get('gate-1', id))!;
      await expect.poll(async () => (await settled()).settledMs, WAIT).not.toBeNull();
      const { status, code } = await settled();
      if (type === 'restart') expect(status).toBe('done');
      else expect([null, 'COMMAND_INTERRUPTED']).toContain(code);
    }
  });

  it('answer each of two operators who order at once, by the API', async () => {
    const url = `http://127.0.0.1:${yard.backend.port}/api/gateways/gate-1/commands`;
    const post = async (body: unknown) => {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      return { status: response.status, body: (await response.json()) as CommandView };
    };
    const both = await Promise.all([
      post({ type: 'logs', arguments: { lines: 3 }, author: 'ann' }),
      post({ type: 'log-level', arguments: { level: 'warn' }, author: 'bob' }),
    ]);
    expect(both.map(({ status }) => status)).toEqual([202, 202]);
    for (const { body } of both)
      await expect
        .poll(async () => ((await (await fetch(`${url}/${body.id}`)).json()) as CommandView).status, WAIT)
        .toBe('done');
    const content = await fetch(`${url}/${both[0].body.id}/content`);
    expect(content.headers.get('content-disposition')).toMatch(
      /^attachment; filename="gate-1-\w{8}\.jsonl"$/,
    );
    expect((await content.text()).trim().split('\n')).toHaveLength(3);
    expect(await post({ type: 'reboot' })).toMatchObject({
      status: 422,
      body: { error: { code: 'COMMAND_INVALID' } },
    });
    expect(await post({ type: 'log-level', arguments: { level: 'loud' } })).toMatchObject({ status: 422 });
  });

  it('expire where the gateway is offline, and are not carried out when it is back', async () => {
    await agent.stop();
    const command = await sendCommand({
      ...{ site: yard.site, gateway: 'gate-1', type: 'restart', author: 'ann', lifetimeMs: 1_000 },
    });
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    const started = ends.length;
    startAgent();
    await expect.poll(isOnline, WAIT).toBe(true);
    // Whatever was sent before this one would have arrived before it.
    expect((await gateway('logs', 'gate-1', '--lines', '1')).code).toBe(0);
    expect(answersTo(command.id)).toEqual([]);
    expect(ends).toHaveLength(started);
    expect(await gateway('restart', 'gate-2')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/GATEWAY_NOT_FOUND/),
    });
  });
});
