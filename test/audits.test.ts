import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { readIdentity } from '#agent/identity.ts';
import { RtspServer } from '#agent/testing/rtsp-server.ts';
import { SECRETS } from '#backend/sealing/identities.ts';
import { loadConfig } from '#config/load.ts';
import { AgentConfig, BackendConfig } from '#config/schema.ts';
import type { GatewayView, JournalEntry, SiteState } from '#protocol/api.ts';
import { decodeEnvelope, type Envelope, encodeEnvelope } from '#protocol/envelope.ts';
import { gatewayTopics } from '#protocol/topics.ts';
import { systemClock } from '#runtime/clock.ts';
import { connectLink, type Link } from '#runtime/link.ts';
import { readLinkCredentials } from '#runtime/link-credentials.ts';
import { root } from './source-files.ts';
import { type RunningSite, startRunningSite } from './testing/running-site.ts';
import { BRIGHTNESS } from './testing/two-logits.ts';

const WAIT = { timeout: 120_000, interval: 100 };
const MAX_BYTES = 2 ** 22;

/** From a challenge to its verdict through every real part: broker, gateway, camera, a backend that cannot open an opening, and `blindsight auditor`. */
describe('audits by a process of its own', () => {
  let yard: RunningSite;
  let camera: RtspServer;
  let folder: string;
  let auditor: ChildProcess;
  /** What the broker saw of the gateway's answers. */
  const answers: Envelope[] = [];
  const links: Link[] = [];
  let liar: Link | null = null;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'blindsight-audits-'));
    camera = await RtspServer.start();
    const audit = BackendConfig.shape.audit.parse({ share: 1, lateShare: 1, auditor: 'process' });
    yard = await startRunningSite({ audit });
    const { stdout: token } = await promisify(execFile)(process.execPath, [
      ...[join(root, 'cli/main.ts'), 'token', 'add', 'auditor-1', '--role', 'auditor', '--data', yard.data],
    ]);
    const tokenFile = join(folder, 'token');
    writeFileSync(tokenFile, token, { mode: 0o600 });
    const url = `http://127.0.0.1:${yard.backend.port}`;
    const options = ['--url', url, '--token-file', tokenFile, '--data', join(folder, 'auditor')];
    auditor = spawn(process.execPath, [join(root, 'cli/main.ts'), 'auditor', ...options], {
      stdio: 'ignore',
    });
    const file = (name: string) => join(yard.data, 'certificates', name);
    const watcher = await dial('watcher', {
      ...{ ca: file('ca.pem'), certificate: file('backend.pem'), key: file('backend.key') },
    });
    watcher.subscribe(gatewayTopics('yard', 'gate').inference('hall'), (_, payload) => {
      answers.push(decodeEnvelope(payload, MAX_BYTES).envelope);
    });
    await yard.protect(BRIGHTNESS);
    await yard.startGateway('gate', 'brightness', [
      { name: 'hall', url: `rtsp://127.0.0.1:${camera.port}/halves`, rate: 1 },
    ]);
  });
  afterAll(async () => {
    auditor?.kill();
    await Promise.all(links.map((link) => link.close()));
    await yard?.close();
    await camera?.stop();
    rmSync(folder, { recursive: true });
  });

  async function dial(clientId: string, files: Parameters<typeof readLinkCredentials>[0]) {
    const credentials = await readLinkCredentials(files);
    const { brokerUrl: url, log } = yard;
    const link = connectLink({ url, ...credentials, clientId, clock: systemClock, log });
    links.push(link);
    await vi.waitFor(() => expect(link.connected).toBe(true), WAIT);
    return link;
  }
  const gateway = async (): Promise<GatewayView> => (await yard.get<SiteState>('state')).gateways[0]!;
  const audited = async (verdict: string) => {
    const text = await (await fetch(`http://127.0.0.1:${yard.backend.port}/metrics`)).text();
    const line = new RegExp(`^blindsight_audits_total\\{gateway="gate",verdict="${verdict}"\\} (\\d+)$`, 'm');
    return Number(line.exec(text)?.[1]);
  };

  /** Signs an answer that was given before under another number and for another time, with the gateway's own keys, and sends it. */
  async function lie(changes: Partial<Envelope>): Promise<Envelope> {
    const { broker, identity } = await loadConfig(join(yard.data, '../gate/agent.yaml'), AgentConfig);
    const { signingKey } = await readIdentity(identity);
    const { session, sequence } = answers.at(-1)!;
    const place = { session, sequence: sequence + 1000, frameTimeMs: Date.now() - 500 };
    const forged = { ...answers[0]!, ...place, ...changes };
    liar ??= await dial('gate-too', broker);
    const topic = gatewayTopics('yard', 'gate').inference('hall');
    await liar.publish(topic, encodeEnvelope(forged, signingKey), { qos: 1 });
    return forged;
  }

  it('find honest answers equal, without a key of the backend', async () => {
    await expect.poll(async () => (await gateway()).audit.equal, WAIT).toBeGreaterThan(1);
    expect(await gateway()).toMatchObject({ audit: { unequal: 0, missing: 0 }, quarantine: null });
    expect(await audited('equal')).toBeGreaterThan(1);
    // Nothing in the backend opens an opening, and the auditor has nothing that opens an answer.
    expect(await yard.site.store.secrets.get(SECRETS.auditorKey)).toBeNull();
    const kept = readdirSync(join(folder, 'auditor'), { recursive: true }).map(String);
    expect(kept).toContain('auditor.key');
    expect(kept.filter((name) => /secret/.test(name))).toEqual([]);
  });

  it('leave out what cannot be opened, an answer of the reference interpreter: it is refused', async () => {
    await lie({ interpreter: 'reference' });
    const isRefused = async () =>
      (await yard.get<JournalEntry[]>('journal')).some(({ code }) => code === 'REFUSED_UNAUDITABLE');
    await expect.poll(isRefused, WAIT).toBe(true);
    expect((await gateway()).quarantine).toBeNull();
  });

  it('prove that an answer was forged, and end in quarantine, journal, metrics and API', async () => {
    // The gateway goes on beside it, and opens what it has: the opening of that ciphertext, which is of another moment.
    const forged = await lie({});
    await expect.poll(async () => (await gateway()).quarantine, WAIT).not.toBeNull();
    const { quarantine, audit } = await gateway();
    expect(quarantine!.reason).toContain(`(number ${forged.sequence} of session ${forged.session})`);
    expect(audit).toMatchObject({ unequal: 1, missing: 0 });
    expect(await audited('unequal')).toBe(1);
    expect(await yard.get<JournalEntry[]>('journal')).toContainEqual(
      expect.objectContaining({ code: 'AUDIT_UNEQUAL', subject: 'gate', level: 'error' }),
    );
  });

  it('end with the auditor, which leaves at once when it is told to', async () => {
    auditor.kill('SIGTERM');
    expect(await once(auditor, 'exit')).toEqual([0, null]);
  });
});
