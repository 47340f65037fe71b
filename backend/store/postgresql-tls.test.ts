import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAuthority } from '../enrolment/authority.ts';
import { type PostgresCluster, startPostgres } from '../testing/postgres-cluster.ts';
import { openPostgresql } from './postgresql.ts';

describe('PostgreSQL on another machine', () => {
  it.each([
    ['postgresql://ann:hunter2@db.example.org/plaza', 'does not ask for TLS'],
    ['postgresql://ann:hunter2@192.0.2.7/plaza', 'does not ask for TLS'],
    ['postgresql://ann:hunter2@localhost/plaza?host=db.example.org', 'does not ask for TLS'],
    ['postgresql://ann:hunter2@localhost.example.org/plaza?sslmode=disable', 'does not ask for TLS'],
    ['postgresql://ann:hunter2@127.example.org/plaza', 'does not ask for TLS'],
    ['postgresql://ann:hunter2@db.example.org/plaza?ssl=true&sslmode=no-verify', 'without a check'],
    ['postgresql://ann:hunter2@db.example.org/plaza?uselibpqcompat=true&sslmode=require', 'without a check'],
    ['postgresql://ann:hunter2@db.example.org/plaza?uselibpqcompat=true&sslmode=prefer', 'without a check'],
  ])('is not connected to without TLS that proves who it is: %s', async (url, why) => {
    const failure: unknown = await openPostgresql(url).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'STORE_UNPROTECTED', message: expect.stringContaining(why) });
    expect(String(failure)).toContain('sslmode=verify-full');
    expect(String(failure)).not.toContain('hunter2');
  });

  it('is not looked for where a file that its address names is missing', async () => {
    const url =
      'postgresql://ann:hunter2@db.example.org/plaza?sslmode=verify-full&sslrootcert=/nowhere/ca.pem';
    const failure: unknown = await openPostgresql(url).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'STORE_ADDRESS', message: expect.stringContaining('ENOENT') });
    expect(String(failure)).not.toContain('hunter2');
  });
});

describe('PostgreSQL with TLS', () => {
  let folder: string;
  let cluster: PostgresCluster;
  let database: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'blindsight-postgres-tls-'));
    const [ours, foreign] = [await createAuthority(), await createAuthority()];
    cluster = await startPostgres(await ours.issue({ kind: 'broker', commonName: 'broker', days: 1 }));
    await writeFile(join(folder, 'ca.pem'), ours.certificate);
    await writeFile(join(folder, 'foreign.pem'), foreign.certificate);
    database = /\/test\d+/.exec(await cluster.createDatabase())![0];
  });
  afterAll(async () => {
    await cluster.stop();
    await rm(folder, { recursive: true });
  });

  const at = (query: string, host = 'localhost') =>
    openPostgresql(`postgresql://blindsight@${host}:${cluster.port}${database}?${query}`);

  it('is used with the right authority', async () => {
    const store = await at(`sslmode=verify-full&sslrootcert=${folder}/ca.pem`);
    const [row] = await store.all<{ ssl: boolean }>(
      'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()',
    );
    expect(row).toEqual({ ssl: true });
    await store.close();
  });

  it('is refused with another authority, with none, and without TLS', async () => {
    for (const query of [`sslmode=verify-full&sslrootcert=${folder}/foreign.pem`, 'sslmode=verify-full', ''])
      await expect(at(query)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });
});
