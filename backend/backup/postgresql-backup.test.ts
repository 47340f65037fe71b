import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { loadConfig } from '#config/load.ts';
import { BackendConfig } from '#config/schema.ts';
import { AuditLog } from '../audit/audit-log.ts';
import { verifyAudit } from '../audit/verify-audit.ts';
import { deployModel } from '../operations/deploy-model.ts';
import { enrolGateway } from '../operations/enrol-gateway.ts';
import { initializeSite } from '../operations/initialize-site.ts';
import { openSite, type Site } from '../site.ts';
import { openPostgresql } from '../store/postgresql.ts';
import { type PostgresCluster, startPostgres } from '../testing/postgres-cluster.ts';
import { keepTestModel } from '../testing/test-site.ts';
import { backUpSite } from './back-up-site.ts';
import { BackupManifest, DUMP_FILE, describePart, MANIFEST_FILE } from './manifest.ts';
import { dumpPostgresql } from './postgresql-dump.ts';
import { restoreSite } from './restore-site.ts';
import { verifyBackup } from './verify-backup.ts';

const DAY_MS = 86_400_000;

describe('a backup of a site in PostgreSQL', () => {
  let cluster: PostgresCluster;
  let folder: string;
  let config: BackendConfig;
  let site: Site;
  let url: string;
  const at = (name: string) => join(folder, name);
  const open = async (where: string) =>
    openSite(await loadConfig(join(where, 'backend.yaml'), BackendConfig));
  const backUp = (to: string, more: { keyTo?: string; withoutDatabase?: boolean } = {}) =>
    backUpSite({ site, config, folder: at('site'), to, ...more });
  const newDatabase = async (name: string) => {
    const address = await cluster.createDatabase();
    writeFileSync(at(name), `${address}\n`, { mode: 0o600 });
    return address;
  };
  const tables = async (address: string) => {
    const database = await openPostgresql(address);
    const found = await database.all("SELECT FROM pg_tables WHERE schemaname = 'public'");
    await database.close();
    return found.length;
  };
  const changeManifest = (change: (manifest: BackupManifest) => Partial<BackupManifest>) => {
    const file = join(at('backup'), MANIFEST_FILE);
    const manifest = BackupManifest.parse(JSON.parse(readFileSync(file, 'utf8')));
    writeFileSync(file, JSON.stringify({ ...manifest, ...change(manifest) }));
  };
  const settle = ({ store }: Site, day: number, sequence: number) =>
    store.settling(async (inside) => {
      const about = { gateway: 'gate', session: 1, sequence, camera: 'door', model: 'tiny', version: 1 };
      const results = ['left', 'right'].map((region) => ({ camera: 'door', region, sequence }) as never);
      const times = { frameMs: day * DAY_MS, storedMs: day * DAY_MS };
      const record = { ...about, ...times, digest: 'd'.repeat(64), withheld: null, results };
      const added = await inside.results.add(record);
      if (added) await inside.gateways.advance('gate', record);
      return added;
    });
  const sequences = async ({ store }: Site) => {
    const span = { sinceMs: 0, beforeMs: 30_000 * DAY_MS };
    return (await store.results.history('door', span, 99, 'left'))
      .map(({ result }) => result.sequence)
      .sort();
  };

  beforeAll(async () => {
    cluster = await startPostgres();
  });
  afterAll(() => cluster.stop());
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'blindsight-backup-'));
    url = await newDatabase('url');
    const { configFile } = await initializeSite(at('site'), 'yard', { postgresqlUrlFile: at('url') });
    config = await loadConfig(configFile, BackendConfig);
    site = await openSite(config);
    await enrolGateway({ site, name: 'gate', outDirectory: at('gate'), brokerUrl: 'mqtts://localhost:1' });
    await keepTestModel(site, 'tiny');
    await deployModel({ site, model: 'tiny', gateway: 'gate' });
    const act = { actor: 'carla', role: 'owner', door: 'cli', act: 'deploy', subject: '' } as const;
    await new AuditLog(site).note(act, 'ok');
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await site.close();
    rmSync(folder, { recursive: true });
  });

  it('has the database as it was at one moment, and an empty one goes on from there', async () => {
    for (const [day, sequence] of [
      [20_000, 1],
      [20_000, 3],
      [20_001, 4],
    ] as const)
      await settle(site, day, sequence);
    await site.store.floors.raise('gate', [{ session: 0, sequence: 9 }]);
    await backUp(at('backup'), { keyTo: at('key') });
    // Of what comes after it nothing is known any more.
    await settle(site, 20_001, 5);
    expect(statSync(join(at('backup'), 'blindsight.dump')).mode & 0o777).toBe(0o600);
    expect(await verifyBackup(at('backup'), { keyFile: at('key') })).toMatchObject({
      ...{ answers: null, isKeyRight: true },
    });

    const restore = { from: at('backup'), to: at('new'), keyFile: at('key') };
    await expect(restoreSite(restore)).rejects.toMatchObject({ code: 'BACKUP_INVALID' });
    // The one of the site that lives on.
    const full = restoreSite({ ...restore, postgresqlUrlFile: at('url') });
    await expect(full).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
    expect(existsSync(at('new'))).toBe(false);
    const empty = await newDatabase('empty');
    expect(empty).not.toBe(url);
    await restoreSite({ ...restore, postgresqlUrlFile: at('empty') });
    const restored = await open(at('new'));
    try {
      expect(await sequences(restored)).toEqual([1, 3, 4]);
      expect((await restored.store.gateways.get('gate'))!.counter).toBeGreaterThan(1.7e9);
      expect(await verifyAudit(restored)).toMatchObject({ entries: 1, damage: null, signed: { seq: 1 } });
      expect(existsSync(join(at('new'), 'blindsight.dump'))).toBe(false);
      // Places of before stay taken on other days, too; free ones are taken, and days are forgotten as before.
      const again = [await settle(restored, 20_002, 3), await settle(restored, 20_002, 2)];
      expect([...again, await settle(restored, 20_002, 5)]).toEqual([false, true, true]);
      expect(await restored.store.results.removeBefore(20_001 * DAY_MS)).toBe(2);
      expect(await sequences(restored)).toEqual([2, 4, 5]);
      expect(await restored.store.floors.covers('gate', { session: 0, sequence: 9 })).toBe(true);
      expect(await sequences(site)).toEqual([1, 3, 4, 5]);
    } finally {
      await restored.close();
    }
  });

  it('leaves a database to copies of its own where it is told to, and says which one a restore needs', async () => {
    await backUp(at('backup'), { keyTo: at('key'), withoutDatabase: true });
    expect(existsSync(join(at('backup'), 'blindsight.dump'))).toBe(false);
    const restore = { from: at('backup'), to: at('new'), keyFile: at('key') };
    await expect(restoreSite(restore)).rejects.toMatchObject({ code: 'BACKUP_INVALID' });
    await restoreSite({ ...restore, postgresqlUrlFile: at('url') });
    const restored = await open(at('new'));
    expect((await restored.store.gateways.get('gate'))!.counter).toBeGreaterThan(1.7e9);
    expect(await verifyAudit(restored)).toMatchObject({ entries: 1, damage: null, signed: { seq: 1 } });
    await restored.close();
  });

  it('says what is missing, and leaves nothing behind, where the programs of PostgreSQL are not there or fail', async () => {
    const path = process.env.PATH;
    vi.stubEnv('PATH', folder);
    const missing = { code: 'DATABASE_COPY', message: expect.stringContaining('postgresql-client') };
    await expect(backUp(at('backup'))).rejects.toMatchObject(missing);
    expect(existsSync(at('backup'))).toBe(false);
    vi.stubEnv('PATH', path);
    await backUp(at('backup'), { keyTo: at('key') });
    // Something is in the way: nothing of the backup is in the database then.
    const address = await newDatabase('taken');
    const taken = await openPostgresql(address);
    await taken.run('CREATE VIEW results AS SELECT 1 AS id');
    const restore = { from: at('backup'), to: at('new'), keyFile: at('key') };
    await expect(restoreSite({ ...restore, postgresqlUrlFile: at('taken') })).rejects.toMatchObject({
      code: 'DATABASE_COPY',
      message: expect.stringContaining('already exists'),
    });
    expect(await tables(address)).toBe(0);
    // Of others, who would find ours among theirs: not even in a schema apart.
    await taken.run('CREATE SCHEMA parking');
    await taken.run('CREATE TABLE parking.lots (id BIGINT)');
    await expect(restoreSite({ ...restore, postgresqlUrlFile: at('taken') })).rejects.toMatchObject({
      code: 'OUTPUT_EXISTS',
      message: expect.stringContaining('parking.lots'),
    });
    await taken.close();
    expect(existsSync(at('new'))).toBe(false);
  });

  it('spends no database on a key of another site, or a store that is too new; and says so where it did', async () => {
    await backUp(at('backup'), { keyTo: at('key') });
    writeFileSync(at('other'), randomBytes(32), { mode: 0o600 });
    const empty = await newDatabase('empty');
    const restore = { from: at('backup'), to: at('new'), postgresqlUrlFile: at('empty') };
    const wrong = { code: 'INSTALLATION_KEY_INVALID' };
    await expect(verifyBackup(at('backup'), { keyFile: at('other') })).rejects.toMatchObject(wrong);
    await expect(restoreSite({ ...restore, keyFile: at('other') })).rejects.toMatchObject(wrong);
    let database: BackupManifest['database'];
    changeManifest((manifest) => {
      ({ database } = manifest);
      return { database: { ...database!, schema: database!.schema + 1 } };
    });
    const tooNew = { code: 'STORE_TOO_NEW' };
    await expect(restoreSite({ ...restore, keyFile: at('key') })).rejects.toMatchObject(tooNew);
    expect(await tables(empty)).toBe(0);
    // The first such backups do not say.
    changeManifest(() => ({ database: undefined }));
    expect(await verifyBackup(at('backup'), { keyFile: at('other') })).toMatchObject({ isKeyRight: null });
    await expect(restoreSite({ ...restore, keyFile: at('other') })).rejects.toMatchObject({
      ...wrong,
      message: expect.stringMatching(/does not open this store\. The database .* anew/),
    });
    expect(await tables(empty)).toBeGreaterThan(10);
    await newDatabase('next');
    await restoreSite({ ...restore, keyFile: at('key'), postgresqlUrlFile: at('next') });
    await (await open(at('new'))).close();
  });

  it('does not sign an audit log that was changed in the backup, nor one that was cut off before', async () => {
    const act = {
      actor: 'carla',
      role: 'owner',
      door: 'cli',
      act: 'gateway remove',
      subject: 'gate',
    } as const;
    await new AuditLog(site).note(act, 'ok');
    const cutOff = async (address: string) => {
      const database = await openPostgresql(address);
      await database.run('ALTER TABLE audit DISABLE TRIGGER USER');
      await database.run('DELETE FROM audit WHERE seq = 2');
      await database.run('ALTER TABLE audit ENABLE TRIGGER USER');
      await database.close();
    };
    const damage = async (name: string) => {
      await newDatabase(`${name}-url`);
      const from = { from: at('backup'), to: at(name), keyFile: at('key') };
      await restoreSite({ ...from, postgresqlUrlFile: at(`${name}-url`) });
      const restored = await open(at(name));
      const { damage } = await verifyAudit(restored);
      await restored.close();
      return damage;
    };
    await backUp(at('backup'), { keyTo: at('key') });
    expect(await damage('whole')).toBeNull();
    // Whoever has the backup puts another dump into it, which needs no key.
    await cutOff(url);
    await dumpPostgresql(url, join(at('backup'), DUMP_FILE));
    const part = await describePart(at('backup'), DUMP_FILE);
    changeManifest(({ parts }) => ({
      parts: [...parts.filter(({ path }) => path !== DUMP_FILE), part],
    }));
    expect(await damage('changed')).toMatchObject({ kind: 'cut off', seq: 2 });
    // And takes away what would show it.
    changeManifest(({ parts }) => ({
      ...{ database: undefined },
      parts: parts.filter(({ path }) => path !== 'audit-checkpoint.json'),
    }));
    expect(await damage('unsigned')).toMatchObject({ kind: 'unsigned', seq: 1 });
    // A backup of the site whose log was cut off carries the proof.
    rmSync(at('backup'), { recursive: true });
    await backUp(at('backup'));
    expect(await damage('proof')).toMatchObject({ kind: 'cut off', seq: 2 });
  });
});
