import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadConfig } from '#config/load.ts';
import { BackendConfig } from '#config/schema.ts';
import { lockData } from '#runtime/data-lock.ts';
import { backUpSite } from '../backup/back-up-site.ts';
import { restoreSite } from '../backup/restore-site.ts';
import { addBrokerHosts } from '../operations/broker-hosts.ts';
import { initializeSite } from '../operations/initialize-site.ts';
import { openSite } from '../site.ts';
import { keepTestModel } from '../testing/test-site.ts';
import { adoptSite } from './adopt-site.ts';
import { BROKER_CREDENTIAL, type Places } from './places.ts';

const ME = { uid: process.getuid!(), gid: process.getgid!() };
const CHILD = join(import.meta.dirname, '..', 'testing', 'adopt-child.ts');

describe('the site of a machine', () => {
  let folder: string;
  let places: Places;
  const at = (...names: string[]) => join(folder, ...names);
  const mode = (path: string) => (statSync(path).mode & 0o7777).toString(8);
  const adopt = (from: string) => adoptSite({ from, places, backend: ME, broker: ME, root: ME });

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'blindsight-adopt-'));
    places = {
      backend: at('backend'),
      broker: at('broker'),
      forBroker: at('for-broker'),
      settings: at('etc'),
    };
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** As an earlier version left it: everything in one folder. */
  async function earlierSite(name = 'old'): Promise<string> {
    const { configFile } = await initializeSite(at(name), 'yard', { brokerNames: ['broker.example.org'] });
    mkdirSync(at(name, 'broker'));
    writeFileSync(at(name, 'broker', 'messages.log'), 'kept');
    const site = await openSite(await loadConfig(configFile, BackendConfig));
    await keepTestModel(site, 'tiny');
    await site.close();
    return at(name);
  }

  async function opens(): Promise<void> {
    const config = await loadConfig(join(places.backend, 'backend.yaml'), BackendConfig);
    const site = await openSite(config);
    expect((await site.store.models.list()).map(({ name }) => name)).toEqual(['tiny']);
    expect(site.brokerDirectory).toBe(places.forBroker);
    await site.close();
  }

  it('has a folder for each user, and what each needs, nothing more', async () => {
    const old = await earlierSite();
    const key = readFileSync(join(old, 'installation.key'));
    await adopt(old);
    expect(existsSync(old)).toBe(false);
    expect(readFileSync(join(places.settings, 'installation.key'))).toEqual(key);
    expect(readdirSync(places.settings).sort()).toEqual(['broker.key', 'installation.key']);
    for (const file of ['broker.key', 'installation.key'])
      expect(mode(join(places.settings, file))).toBe('600');
    expect([mode(places.backend), mode(places.broker), mode(places.forBroker)]).toEqual([
      '700',
      '700',
      '2750',
    ]);
    expect(readdirSync(places.broker)).toEqual(['messages.log']);
    expect(readdirSync(places.forBroker, { recursive: true }).map(String).sort()).toEqual([
      'broker.yaml',
      'certificates',
      'certificates/broker.pem',
      'certificates/ca.pem',
      'certificates/revoked.crl',
      'revoked-gateways',
    ]);
    expect(readdirSync(places.backend).sort()).toEqual(
      ['backend.yaml', 'blindsight.db', 'bundles', 'certificates', 'owner-key.pub.pem', 'root.key'].sort(),
    );
    expect(readdirSync(join(places.backend, 'certificates')).sort()).toEqual([
      'backend.key',
      'backend.pem',
      'ca.pem',
    ]);
    expect(parse(readFileSync(join(places.forBroker, 'broker.yaml'), 'utf8'))).toMatchObject({
      host: '0.0.0.0',
      data: places.broker,
      key: BROKER_CREDENTIAL,
      certificate: 'certificates/broker.pem',
    });
    await opens();
  });

  it('renews what the broker reads where the broker may read it', async () => {
    await adopt(await earlierSite());
    const site = await openSite(await loadConfig(join(places.backend, 'backend.yaml'), BackendConfig));
    const before = readFileSync(join(places.forBroker, 'certificates', 'broker.pem'), 'utf8');
    const { hosts } = await addBrokerHosts(site, ['2001:db8::1']);
    await site.close();
    expect(hosts).toContain('2001:db8::1');
    expect(readFileSync(join(places.forBroker, 'certificates', 'broker.pem'), 'utf8')).not.toBe(before);
    expect(existsSync(join(places.backend, 'certificates', 'broker.pem'))).toBe(false);
    expect(parse(readFileSync(join(places.forBroker, 'broker.yaml'), 'utf8')).host).toBe('::');
    expect(mode(join(places.forBroker, 'broker.yaml'))).toBe('640');
  });

  it('comes back from its backup, in which the key of the broker is not', async () => {
    await adopt(await earlierSite());
    const config = await loadConfig(join(places.backend, 'backend.yaml'), BackendConfig);
    const site = await openSite(config);
    const { parts } = await backUpSite({
      ...{ site, config, folder: places.backend },
      ...{ to: at('copy'), keyTo: at('key') },
    });
    await site.close();
    const paths = parts.map(({ path }) => path);
    expect(paths).toContain('broker.yaml');
    expect(paths).toContain('certificates/broker.pem');
    expect(paths.filter((path) => /broker\.key|installation/.test(path))).toEqual([]);
    await restoreSite({ from: at('copy'), to: at('restored'), keyFile: at('key') });
    expect(parse(readFileSync(at('restored', 'broker.yaml'), 'utf8'))).toMatchObject({
      data: 'broker',
      key: 'certificates/broker.key',
    });
    for (const place of [places.backend, places.settings, places.forBroker])
      rmSync(place, { recursive: true });
    await adopt(at('restored'));
    await opens();
    // Certificate and key belong together, or the broker would not start.
    const { readCredentials } = await import('#broker/credentials.ts');
    await readCredentials({
      ca: join(places.forBroker, 'certificates', 'ca.pem'),
      certificate: join(places.forBroker, 'certificates', 'broker.pem'),
      key: join(places.settings, 'broker.key'),
    });
  });

  it('is put in order where it lies, as often as one likes', async () => {
    await earlierSite('backend');
    await adopt(places.backend);
    await adopt(places.backend);
    await opens();
  });

  it('does not replace another, and keeps a key that it does not know', async () => {
    await adopt(await earlierSite());
    const key = readFileSync(join(places.settings, 'installation.key'));
    const other = await earlierSite('other');
    await expect(adopt(other)).rejects.toMatchObject({ code: 'SITE_EXISTS' });
    expect(existsSync(join(other, 'installation.key'))).toBe(true);
    rmSync(places.backend, { recursive: true });
    await adopt(other);
    await opens();
    expect(readFileSync(join(places.settings, 'installation.key.1'))).toEqual(key);
  });

  it('is not taken from under a daemon, and not from where no site is', async () => {
    const old = await earlierSite();
    const unlock = lockData(old, 'backend');
    await expect(adopt(old)).rejects.toMatchObject({ code: 'DATA_IN_USE' });
    unlock();
    await expect(adopt(at('nothing'))).rejects.toMatchObject({ code: 'SITE_MISSING' });
    expect(existsSync(places.settings)).toBe(false);
  });

  it.each(['installation.key', 'certificates'])(
    'does not follow a link that its user laid in the place of %s',
    async (name) => {
      const old = await earlierSite();
      rmSync(join(old, name), { recursive: true });
      writeFileSync(at('shadow'), 'root:secret');
      mkdirSync(at('elsewhere'));
      writeFileSync(at('elsewhere', 'broker.key'), 'secret');
      symlinkSync(name === 'certificates' ? at('elsewhere') : at('shadow'), join(old, name));
      await expect(adopt(old)).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
      expect(existsSync(join(places.settings, name))).toBe(false);
      expect(lstatSync(join(old, name)).isSymbolicLink()).toBe(true);
    },
  );

  it('is whole after any number of kills in the middle', async () => {
    const old = await earlierSite();
    for (let i = 0; i < 400; i++) writeFileSync(join(old, 'bundles', `part-${i}`), 'x');
    let kills = 0;
    // Close together at first: there is most to do. And none for ever, where the machine is busy.
    for (let waitMs = 0; existsSync(join(old, 'backend.yaml')); waitMs = 4 + 1.6 * waitMs) {
      const child = spawn(process.execPath, [CHILD, old, JSON.stringify(places), String(waitMs)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      if (await killedAfter(child, waitMs)) kills++;
    }
    // Where the last one was killed after its last step, there is nothing left to do.
    if (existsSync(join(places.backend, 'backend.yaml'))) await adopt(places.backend);
    expect(kills).toBeGreaterThan(0);
    expect(readdirSync(join(places.backend, 'bundles')).length).toBeGreaterThan(400);
    await opens();
  });
});

/** Kills a child that said that it begins; where we are late, it did so itself. @returns whether it was still at it */
async function killedAfter(child: ChildProcess, waitMs: number): Promise<boolean> {
  const exit = once(child, 'exit');
  await Promise.race([once(child.stdout!, 'data'), exit]);
  await delay(waitMs);
  child.kill('SIGKILL');
  const [, signal] = await exit;
  return signal === 'SIGKILL';
}
