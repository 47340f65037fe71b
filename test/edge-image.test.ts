import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { importClosure } from '../deploy/edge/closure.ts';
import { readSource, root } from './source-files.ts';

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

/** test/site.test.ts has it watch a camera. */
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
