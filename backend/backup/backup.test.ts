import { spawn } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { once } from 'node:events';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { authenticate } from '#agent/configuration/check-configuration.ts';
import { checkManifest } from '#agent/rollout/check-manifest.ts';
import { loadConfig } from '#config/load.ts';
import { BackendConfig } from '#config/schema.ts';
import { decodeSoftware } from '#protocol/software.ts';
import { mountSmallDisk, NO_MOUNT } from '#runtime/testing/small-disk.ts';
import { AuditLog } from '../audit/audit-log.ts';
import { verifyAudit } from '../audit/verify-audit.ts';
import { pushConfiguration } from '../configuration/push-configuration.ts';
import { deployModel } from '../operations/deploy-model.ts';
import { enrolGateway } from '../operations/enrol-gateway.ts';
import { initializeSite } from '../operations/initialize-site.ts';
import { addPerson } from '../people/accounts.ts';
import { hashOf } from '../people/secrets.ts';
import { addToken } from '../people/tokens.ts';
import { startRollout } from '../rollout/start-rollout.ts';
import { BACKEND_SESSION, openSite, type Site } from '../site.ts';
import { addSoftware } from '../software/add-software.ts';
import { prepareSoftwareRelease } from '../software/release-software.ts';
import { openSqliteReadOnly } from '../store/sqlite.ts';
import { CHEAP } from '../testing/api-bench.ts';
import { packTestSoftware } from '../testing/pack-test-software.ts';
import { keepTestModel } from '../testing/test-site.ts';
import { backUpSite } from './back-up-site.ts';
import { restoreSite } from './restore-site.ts';
import { verifyBackup } from './verify-backup.ts';

const WRITER = fileURLToPath(new URL('../testing/answer-writer.ts', import.meta.url));

describe('a backup', () => {
  let folder: string;
  let data: string;
  let config: BackendConfig;
  let site: Site;
  const at = (name: string) => join(folder, name);
  const open = async (where: string) =>
    openSite(await loadConfig(join(where, 'backend.yaml'), BackendConfig));

  async function begin(options: Parameters<typeof initializeSite>[2] = {}): Promise<void> {
    const { configFile } = await initializeSite(data, 'yard', options);
    config = await loadConfig(configFile, BackendConfig);
    site = await openSite(config);
    await enrolGateway({ site, name: 'gate', outDirectory: at('gate'), brokerUrl: 'mqtts://localhost:1' });
    await keepTestModel(site, 'tiny');
    await deployModel({ site, model: 'tiny', gateway: 'gate' });
  }
  const backUp = (to: string, more: { keyTo?: string } = {}) =>
    backUpSite({ site, config, folder: data, to, ...more });

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'blindsight-backup-'));
    data = at('site');
  });
  afterEach(async () => {
    await site?.close();
    rmSync(folder, { recursive: true });
  });

  it('drill: copied under load, restored elsewhere, every answer up to the backup is there and the gateway goes on', async () => {
    await begin();
    const child = spawn(process.execPath, [WRITER, join(data, 'backend.yaml')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    const written = () => said.split('\n').length - 1;
    const backups: { name: string; before: number }[] = [];
    try {
      while (written() < 100) await delay(10);
      for (const name of ['one', 'two', 'three']) {
        const before = written();
        await backUp(at(name), { keyTo: at(`${name}.key`) });
        backups.push({ name, before });
      }
      const after = written();
      while (written() < after + 20) await delay(10);
    } finally {
      child.kill('SIGKILL');
      await once(child, 'close');
    }
    for (const { name, before } of backups) {
      const verified = await verifyBackup(at(name), { keyFile: at(`${name}.key`) });
      expect(verified.answers).toBeGreaterThanOrEqual(before);
      expect(verified.secrets).toBeGreaterThan(2);
      await restoreSite({ from: at(name), to: at(`${name}-site`), keyFile: at(`${name}.key`) });
      const restored = await open(at(`${name}-site`));
      const record = (await restored.store.gateways.get('gate'))!;
      // One moment: as many answers as counted, and as the place in the sequence says.
      expect(record.last).toEqual({ session: 1, sequence: verified.answers });
      expect((await restored.store.counters.all()).accepted).toBe(verified.answers);
      for (let sequence = 1; sequence <= before; sequence++) {
        expect(
          await restored.store.results.digestAt('gate', 1, sequence),
          `answer ${sequence}`,
        ).not.toBeNull();
      }
      await restored.close();
    }
  });

  it('raises what only grows above all that gateways can have seen, and releases anew what each should run', async () => {
    await begin();
    const before = (await site.store.deployments.current())[0]!;
    await site.store.settings.set(BACKEND_SESSION, '7');
    await backUp(at('backup'), { keyTo: at('key') });
    for (let i = 0; i < 5; i++) await deployModel({ site, model: 'tiny', gateway: 'gate' });
    const seen = (await site.store.gateways.get('gate'))!.counter;
    await restoreSite({ from: at('backup'), to: at('new'), keyFile: at('key') });
    const restored = await open(at('new'));
    const [release] = await restored.store.deployments.current();
    expect(release).toMatchObject({
      gateway: 'gate',
      model: 'tiny',
      version: before.version,
      status: 'waiting',
    });
    expect(release!.counter).toBeGreaterThan(seen);
    // By the gateway's own gate: it takes the new release, and would not have taken the one of the backup.
    const ownerKey = createPublicKey(readFileSync(join(at('new'), 'owner-key.pub.pem')));
    const state = { active: null, previous: null, counter: seen, counterOf: null, rolledBack: null };
    const gate = { ownerKeys: () => [ownerKey], site: 'yard', gateway: 'gate', state };
    expect(checkManifest(release!.manifest, gate).digest).toBe(release!.digest);
    expect(() => checkManifest(before.manifest, gate)).toThrow(
      expect.objectContaining({ code: 'BUNDLE_COUNTER' }),
    );
    expect(Number(await restored.store.settings.get(BACKEND_SESSION))).toBeGreaterThan(1.7e9);
    // Answers made under the release of before still open.
    expect(await restored.store.deployments.get(before.digest)).not.toBeNull();
    expect((await restored.store.journal.latest(9)).map(({ code }) => code)).toContain('SITE_RESTORED');
    await restored.close();
  });

  it('pushes the settings of each gateway anew, above all versions that it can have seen', async () => {
    await begin();
    const push = (settings: string) =>
      pushConfiguration({ site, gateway: 'gate', settings, origin: 'gate.yaml', author: 'ann' });
    await push('healthSeconds: 7');
    await backUp(at('backup'), { keyTo: at('key') });
    const { version: seen } = (await push('healthSeconds: 8')).record;
    await restoreSite({ from: at('backup'), to: at('new'), keyFile: at('key') });
    const restored = await open(at('new'));
    const [newest, before] = await restored.store.configurations.history('gate');
    expect(newest).toMatchObject({ status: 'pending', author: 'ann' });
    expect(newest!.version).toBeGreaterThan(seen);
    expect(before).toMatchObject({ version: 1 });
    // By the gateway's own gate.
    const ownerKey = createPublicKey(readFileSync(join(at('new'), 'owner-key.pub.pem')));
    const reader = { site: 'yard', gateway: 'gate', ownerKeys: () => [ownerKey], sealingKey: null };
    expect(authenticate(newest!.wire, reader).settings).toBe('healthSeconds: 7');
    await restored.close();
  });

  it('carries software, releases it anew, and ends rollouts that were under way', async () => {
    await begin();
    const file = await packTestSoftware(folder, '1.2.3');
    await addSoftware({ site, file });
    await site.store.software.setRunning('gate', '1.0.0', 'linux-x64');
    const release = async () =>
      site.store.transaction(await prepareSoftwareRelease({ site, gateway: 'gate', version: '1.2.3' }));
    await release();
    const { id } = await startRollout({
      ...{ site, what: { kind: 'model', name: 'tiny' }, to: ['all'], author: 'ann' },
    });
    await backUp(at('backup'), { keyTo: at('key') });
    const { counter: seen } = await release();
    await restoreSite({ from: at('backup'), to: at('new'), keyFile: at('key') });
    const restored = await open(at('new'));
    const [newest] = await restored.store.software.current();
    expect(newest).toMatchObject({ version: '1.2.3', status: 'waiting' });
    expect(newest!.counter).toBeGreaterThan(seen);
    const { sha256 } = decodeSoftware(newest!.manifest).manifest.archive;
    expect(Buffer.from(await restored.blobs.get(sha256))).toEqual(readFileSync(file));
    expect(await restored.store.rollouts.get(id)).toMatchObject({ state: 'aborted' });
    expect(await restored.store.rollouts.held()).toEqual([]);
    await restored.close();
  });

  it('holds no installation key, and nothing that others can read', async () => {
    await begin();
    await backUp(at('backup'));
    const files = readdirSync(at('backup'), { recursive: true, withFileTypes: true });
    expect(files.map(({ name }) => name).join(' ')).not.toMatch(/installation|\.lock|-wal/);
    const key = readFileSync(join(data, 'installation.key'));
    for (const file of files) {
      const path = join(file.parentPath, file.name);
      expect(statSync(path).mode & 0o077, path).toBe(0);
      if (file.isFile()) expect(readFileSync(path).includes(key), path).toBe(false);
    }
    expect(statSync(at('backup')).mode & 0o777).toBe(0o700);
    expect((await verifyBackup(at('backup'))).secrets).toBeNull();
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('takes the place of nothing, and a key in its own folder is refused', async () => {
    await begin();
    await backUp(at('backup'));
    const exists = { code: 'OUTPUT_EXISTS' };
    await expect(backUp(at('backup'))).rejects.toMatchObject(exists);
    await expect(backUp(at('other'), { keyTo: join(data, 'installation.key') })).rejects.toMatchObject(
      exists,
    );
    await expect(backUp(at('other'), { keyTo: at('other/key') })).rejects.toMatchObject(exists);
    expect(existsSync(at('other'))).toBe(false);
    const keyFile = join(data, 'installation.key');
    await expect(restoreSite({ from: at('backup'), to: data, keyFile })).rejects.toMatchObject(exists);
  });

  it('is checked without writing, and found out where anything is missing, changed or not its own', async () => {
    await begin();
    await backUp(at('backup'), { keyTo: at('key') });
    const names = () => readdirSync(at('backup'), { recursive: true }).sort();
    const before = names();
    await verifyBackup(at('backup'), { keyFile: at('key') });
    expect(names()).toEqual(before);
    const [blob] = readdirSync(join(at('backup'), 'bundles'));
    const attacks: Record<string, (copy: string) => void> = {
      'is missing': (copy) => unlinkSync(join(copy, 'bundles', blob!)),
      'bundles/.* was changed': (copy) => appendFileSync(join(copy, 'bundles', blob!), 'x'),
      'blindsight.db was changed': (copy) => appendFileSync(join(copy, 'blindsight.db'), 'x'),
      'no whole backup': (copy) => unlinkSync(join(copy, 'backup.json')),
      parts: (copy) => {
        const file = join(copy, 'backup.json');
        writeFileSync(
          file,
          readFileSync(file, 'utf8').replace('"owner-key.pub.pem"', '"../owner-key.pub.pem"'),
        );
      },
    };
    for (const [message, attack] of Object.entries(attacks)) {
      rmSync(at('copy'), { recursive: true, force: true });
      cpSync(at('backup'), at('copy'), { recursive: true });
      attack(at('copy'));
      const refused = { code: 'BACKUP_INVALID', message: expect.stringMatching(message) };
      await expect(verifyBackup(at('copy'))).rejects.toMatchObject(refused);
      await expect(
        restoreSite({ from: at('copy'), to: at('new'), keyFile: at('key') }),
      ).rejects.toMatchObject(refused);
      expect(existsSync(at('new'))).toBe(false);
    }
    writeFileSync(at('wrong'), Buffer.alloc(32, 1), { mode: 0o600 });
    const wrong = { code: 'INSTALLATION_KEY_INVALID' };
    await expect(verifyBackup(at('backup'), { keyFile: at('wrong') })).rejects.toMatchObject(wrong);
    // Its store would be where nobody looks for it.
    const moved = { from: at('backup'), to: at('new'), keyFile: at('key'), postgresqlUrlFile: at('url') };
    await expect(restoreSite(moved)).rejects.toMatchObject({
      code: 'BACKUP_INVALID',
      message: expect.stringContaining('leave --postgresql out'),
    });
  });

  it('leaves nothing behind where the disk for it is full', async ({ skip }) => {
    await begin();
    const disk = mountSmallDisk(1);
    if (disk === null) return skip(NO_MOUNT);
    try {
      disk.fill(200_000);
      await expect(backUp(join(disk.folder, 'backup'))).rejects.toMatchObject({ code: 'DISK_FULL' });
      expect(readdirSync(disk.folder)).toEqual(['ballast']);
    } finally {
      disk.unmount();
    }
  });

  it('carries people, tokens, alerts and the audit log, which goes on unbroken where it is restored; nobody stays logged in', async () => {
    await begin();
    const alert = {
      severity: 'info',
      subject: { kind: 'camera', name: 'door' },
      title: '',
      message: '',
    } as const;
    await site.store.alerts.raise({
      ...alert,
      rule: 'old',
      atMs: Date.now() - 4 * 86_400_000,
      notify: ['hook'],
    });
    const recent = { ...alert, rule: 'recent', atMs: Date.now(), notify: ['hook'] };
    const { alert: waiting } = await site.store.alerts.raise(recent);
    const audit = new AuditLog(site);
    const act = { actor: 'carla', role: 'owner', door: 'cli', subject: '' } as const;
    const running = await audit.begin({ ...act, act: 'site backup' });
    await addPerson(site, { name: 'anna', role: 'owner', password: 'four words that fit' }, { cost: CHEAP });
    const hash = 'a'.repeat(64);
    await site.store.sessions.add({ hash, person: 'anna', generation: 1, siteToken: null }, Date.now());
    const token = await addToken(site, { name: 'dash', role: 'viewer', days: null });
    await backUp(at('backup'), { keyTo: at('key') });
    // What happens afterwards is not in the backup, and the checkpoint there does not claim it.
    await audit.end(running, 'ok');
    await restoreSite({ from: at('backup'), to: at('new'), keyFile: at('key') });
    const restored = await open(at('new'));
    expect((await restored.store.alerts.open()).count).toBe(2);
    const due = await restored.store.deliveries.due('hook', Date.now(), 1, 9);
    expect(due.map(({ alert: { id } }) => id)).toEqual([waiting.id]);
    const told = (await restored.store.journal.latest(99)).find(({ code }) => code === 'SITE_RESTORED');
    expect(told?.message).toMatch(/too old to be delivered: 1$/);
    expect(await restored.store.people.list()).toMatchObject([{ name: 'anna', role: 'owner' }]);
    expect(await restored.store.sessions.get(hash)).toBeNull();
    expect(await restored.store.tokens.get(hashOf('token', token))).toMatchObject({ name: 'dash' });
    expect(await verifyAudit(restored)).toMatchObject({ entries: 1, damage: null, signed: { seq: 1 } });
    const troubles: string[] = [];
    const onTrouble = (trouble: string) => troubles.push(trouble);
    await new AuditLog(restored, { onTrouble }).note({ ...act, act: 'site restore' }, 'ok');
    expect(troubles).toEqual([]);
    expect(await verifyAudit(restored)).toMatchObject({ entries: 2, damage: null, signed: { seq: 2 } });
    await restored.close();
  });

  it('has the store as one file that is whole by itself', async () => {
    await begin();
    await backUp(at('backup'));
    const database = openSqliteReadOnly(join(at('backup'), 'blindsight.db'));
    expect(await database.all('PRAGMA journal_mode')).toEqual([{ journal_mode: 'delete' }]);
    expect(await database.all('PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }]);
    await database.close();
  });
});
