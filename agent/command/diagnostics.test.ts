import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AgentConfig } from '#config/schema.ts';
import { CONTENT_MAX_BYTES } from '#protocol/command-answer.ts';
import { packDiagnostics } from './diagnostics.ts';

/** Odd ones: what JSON, URLs, shells and searches have a meaning for. */
const PASSWORDS = ['pa"ss\\wörd', 'a@b/c?d=e', '$&$1*.+(x)', 'käse–€', 'p%40ss'];

describe('the archive for a supporter', () => {
  let folder: string;
  let config: AgentConfig;
  let secrets: string[];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'blindsight-diagnostics-'));
    const file = async (name: string, text: string) => {
      await writeFile(join(folder, name), text, { mode: 0o600 });
      return join(folder, name);
    };
    const pem = () =>
      generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
    const keys = [pem(), pem(), pem()];
    const sealed = randomBytes(64).toString('base64');
    await mkdir(join(folder, 'data/configuration/1'), { recursive: true });
    await writeFile(join(folder, 'data/configuration/1/settings.yaml'), sealed);
    secrets = [
      ...PASSWORDS,
      ...PASSWORDS.map(encodeURIComponent),
      ...keys.map((key) => key.split('\n')[1]!),
      'the-token-of-the-preview',
      sealed,
    ];
    config = AgentConfig.parse({
      ...{ site: 'town', gateway: 'gate-1', data: join(folder, 'data') },
      broker: { url: 'mqtts://b:1', ca: 'a', certificate: 'c', key: await file('tls.key', keys[0]!) },
      identity: {
        signingKey: await file('signing.key', keys[1]!),
        ownerKey: 'owner.pem',
        sealingKey: await file('sealing.key', keys[2]!),
      },
      preview: { tokenFile: await file('token', 'the-token-of-the-preview\n') },
      cameras: [
        ...(await Promise.all(
          PASSWORDS.map(async (password, i) => ({
            ...{ name: `file-${i}`, url: 'rtsp://10.0.0.1/live' },
            credentials: await file(`${i}.credentials`, `ann:${password}\n`),
          })),
        )),
        ...PASSWORDS.map((password, i) => ({
          ...{ name: `url-${i}`, url: `rtsp://ann:${encodeURIComponent(password)}@10.0.0.2/live?k=v` },
        })),
      ],
    });
  });
  afterEach(() => rm(folder, { recursive: true }));

  const pack = (lines: readonly string[], detail = 'no picture') =>
    packDiagnostics({
      ...{ config, lines, metrics: 'up 1\n', health: { cpuPercent: 3 } },
      snapshot: {
        ...{ site: 'town', gateway: 'gate-1', version: '0.1.0', nowMs: 1_000_000_000_000, stuckMs: 0 },
        cameras: [
          {
            ...{ camera: 'url-0', state: 'failed', detail, since: '2026-01-01T00:00:00Z' },
            ...{ captureRate: 0, inferenceRate: 0, nextRetry: null, lastLines: [detail] },
          },
        ],
        pictures: { captured: 0, superseded: 0, answered: 0, failed: 0 },
        outbox: { waiting: 0, bytes: 0, dropped: 0, oldestSeconds: 0 },
        openings: { kept: 0, bytes: 0, dropped: 0, missing: 0, answered: 0, ignored: 0 },
        ...{ isLinkUp: false, obstacle: 'the backend is offline', isRunning: false, certificateEndMs: null },
        reported: {
          bundle: {
            ...{ status: 'none', active: null, previous: null, counter: 0, progress: 0, subject: null },
            error: null,
          },
        },
      },
    });
  /** Every file of it, as any tar unpacks it. */
  async function unpack(bytes: Uint8Array): Promise<Record<string, string>> {
    const archive = join(folder, 'archive.tar.gz');
    await writeFile(archive, bytes);
    const out = await mkdtemp(join(folder, 'out-'));
    execFileSync('tar', ['-xzf', archive, '-C', out]);
    const names = execFileSync('tar', ['-tzf', archive], { encoding: 'utf8' }).trim().split('\n');
    const texts = names.map(async (name) => [name, await readFile(join(out, name), 'utf8')] as const);
    return Object.fromEntries(await Promise.all(texts));
  }

  it('holds no secret, wherever another program or a camera put it', async () => {
    const all = secrets.join(' and ');
    const lines = [
      JSON.stringify({ level: 'info', msg: all }),
      JSON.stringify({
        level: 'error',
        msg: 'x',
        url: PASSWORDS.map((one) => `rtsp://ann:${one}@10.0.0.1/`),
      }),
    ];
    const files = await unpack(await pack(lines, all));
    const text = Object.values(files).join('\n');
    for (const secret of secrets.slice(0, -1)) expect(text.includes(secret), secret).toBe(false);
    for (const password of PASSWORDS)
      expect(text.includes(JSON.stringify(password).slice(1, -1)), password).toBe(false);
    // Sealed credentials lie in the data folder, of which only sizes are told: a log that quotes them is another matter.
    const quiet = Object.values(await unpack(await pack([]))).join('\n');
    expect(quiet).not.toContain(secrets.at(-1));
    expect(files['diagnostics-gate-1/settings.yaml']).toContain('url: rtsp://***@10.0.0.2/live?***');
  });

  it('tells what it holds, and every file that it names is there', async () => {
    const files = await unpack(await pack([JSON.stringify({ level: 'warn', msg: 'hot' })]));
    const readme = files['diagnostics-gate-1/README.txt']!;
    const named = [...readme.matchAll(/^(\S+\.\w+) /gm)].map(([, name]) => `diagnostics-gate-1/${name}`);
    expect(named.sort()).toEqual(
      Object.keys(files)
        .filter((name) => !name.endsWith('README.txt'))
        .sort(),
    );
    expect(JSON.parse(files['diagnostics-gate-1/states.json']!)).toMatchObject({
      obstacle: 'the backend is offline',
    });
    expect(files['diagnostics-gate-1/errors.jsonl']).toContain('hot');
    expect(JSON.parse(files['diagnostics-gate-1/disk.json']!)).toEqual([
      { name: 'configuration', files: 1, bytes: 88 },
    ]);
  });

  it('fits into an answer, whatever the log holds', async () => {
    const lines = Array.from({ length: 5_000 }, (_, number) =>
      JSON.stringify({ level: 'error', number, msg: randomBytes(500).toString('base64') }),
    );
    const bytes = await pack(lines);
    expect(bytes.length).toBeLessThanOrEqual(CONTENT_MAX_BYTES);
    const files = await unpack(bytes);
    // The newest.
    expect(files['diagnostics-gate-1/log.jsonl']).toContain('"number":4999');
  });
});
