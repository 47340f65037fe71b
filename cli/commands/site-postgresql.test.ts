import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PostgresCluster, startPostgres } from '#backend/testing/postgres-cluster.ts';

const root = join(import.meta.dirname, '..', '..');

/** Runs the command line as a person does, in a process of its own. */
async function blindsight(...words: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [join(root, 'cli/main.ts'), ...words]);
  return stdout;
}

describe('a site in PostgreSQL', () => {
  let cluster: PostgresCluster;
  let folder: string;
  let urlFile: string;
  let data: string;
  beforeAll(async () => {
    cluster = await startPostgres();
    folder = mkdtempSync(join(tmpdir(), 'blindsight-postgresql-site-'));
    urlFile = join(folder, 'url');
    data = join(folder, 'site');
    writeFileSync(urlFile, await cluster.createDatabase(), { mode: 0o600 });
  });
  afterAll(async () => {
    await cluster.stop();
    rmSync(folder, { recursive: true });
  });

  it('is refused while others may read the file with the URL', async () => {
    chmodSync(urlFile, 0o644);
    const failure = await blindsight('site', 'init', '--data', data, '--postgresql', urlFile).catch((e) => e);
    expect(failure.stderr).toContain('SECRET_EXPOSED');
    chmodSync(urlFile, 0o600);
  });

  it('is made by one command, and every other command works on it', async () => {
    await blindsight('site', 'init', '--site', 'plaza', '--data', data, '--postgresql', urlFile);
    expect(readFileSync(join(data, 'backend.yaml'), 'utf8')).toMatch(
      /kind: postgresql\n +urlFile: postgresql.url/,
    );
    expect(statSync(join(data, 'postgresql.url')).mode & 0o777).toBe(0o600);
    await blindsight('gateway', 'enrol', 'gate-1', '--data', data, '--out', join(folder, 'gate-1'));
    expect(await blindsight('gateway', 'list', '--data', data)).toContain('gate-1');
    await blindsight('model', 'protect', 'counter', '--data', data);
    expect(await blindsight('model', 'list', '--data', data)).toContain('counter');
    await blindsight('deploy', 'counter', 'gate-1', '--data', data);
    await blindsight('gateway', 'remove', 'gate-1', '--data', data);
    expect(readFileSync(join(data, 'revoked-gateways'), 'utf8')).toMatch(/^gate-1\nserial:[0-9A-F]{32}\n$/);
  });

  it('leaves a database alone that holds another site', async () => {
    const other = join(folder, 'other');
    const failure = await blindsight(
      ...['site', 'init', '--site', 'other', '--data', other, '--postgresql', urlFile],
    ).catch((e) => e);
    expect(failure.stderr).toMatch(/already holds the site plaza[\s\S]*SITE_EXISTS/);
  });
});
