import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { migrate } from '../store/migrations.ts';
import { openSqlite } from '../store/sqlite.ts';
import { Store } from '../store/store.ts';
import { createInstallationKey, readInstallationKey } from './installation-key.ts';
import { Vault } from './vault.ts';

const key = (fill = 7) => new Uint8Array(32).fill(fill);
const SECRET = Uint8Array.from({ length: 100 }, (_, index) => index);

describe('Vault', () => {
  it('opens what it sealed, under the same identity and key only', () => {
    const vault = new Vault(key());
    const sealed = vault.seal('model/a/1', SECRET);
    expect(Uint8Array.from(vault.open('model/a/1', sealed))).toEqual(SECRET);
    expect(() => vault.open('model/b/1', sealed)).toThrow(
      expect.objectContaining({ code: 'SECRET_TAMPERED' }),
    );
    expect(() => new Vault(key(8)).open('model/a/1', sealed)).toThrow(
      expect.objectContaining({ code: 'SECRET_TAMPERED' }),
    );
  });

  it('never seals the same bytes twice and shows nothing of them', () => {
    const vault = new Vault(key());
    const [one, two] = [vault.seal('x', SECRET), vault.seal('x', SECRET)];
    expect(one).not.toEqual(two);
    expect(Buffer.from(one).includes(Buffer.from(SECRET.subarray(0, 8)))).toBe(false);
  });

  it('notices every flipped byte and every truncation', () => {
    const vault = new Vault(key());
    const sealed = vault.seal('x', SECRET);
    for (let index = 0; index < sealed.length; index++) {
      const changed = Uint8Array.from(sealed);
      changed[index]! ^= 1;
      expect(() => vault.open('x', changed), `byte ${index}`).toThrow(
        expect.objectContaining({ code: 'SECRET_TAMPERED' }),
      );
      expect(() => vault.open('x', sealed.subarray(0, index)), `length ${index}`).toThrow(
        expect.objectContaining({ code: 'SECRET_TAMPERED' }),
      );
    }
  });

  it('overwrites the key that it was given, and takes no other length', () => {
    const bytes = key();
    new Vault(bytes);
    expect(bytes.every((byte) => byte === 0)).toBe(true);
    expect(() => new Vault(new Uint8Array(16))).toThrow(
      expect.objectContaining({ code: 'INSTALLATION_KEY_INVALID' }),
    );
  });
});

describe('a store of secrets', () => {
  let directory: string;
  let store: Store;
  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'blindsight-vault-'));
    const database = openSqlite(join(directory, 'x.db'));
    await migrate(database);
    store = new Store(database);
  });
  afterEach(async () => {
    await store.close();
    rmSync(directory, { recursive: true });
  });

  it('tells a wrong key from a missing or moved secret', async () => {
    const vault = new Vault(key());
    await vault.mark(store, 1);
    await vault.verify(store);
    await expect(new Vault(key(9)).verify(store)).rejects.toMatchObject({ code: 'INSTALLATION_KEY_INVALID' });
    await expect(vault.fetch(store, 'nothing')).rejects.toMatchObject({ code: 'SECRET_MISSING' });
    const plaintext = Uint8Array.from(SECRET);
    await vault.keep(store, 'a', plaintext, 1);
    expect(plaintext.every((byte) => byte === 0)).toBe(true);
    await store.secrets.add('b', (await store.secrets.get('a'))!, 1);
    await expect(vault.fetch(store, 'b')).rejects.toMatchObject({ code: 'SECRET_TAMPERED' });
    expect(Uint8Array.from(await vault.fetch(store, 'a'))).toEqual(SECRET);
  });

  it('reads the installation key from its file, or from the credentials of systemd', async () => {
    const file = join(directory, 'installation.key');
    await expect(readInstallationKey(file, {})).rejects.toMatchObject({ code: 'INSTALLATION_KEY_INVALID' });
    await createInstallationKey(file);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(await readInstallationKey(file, {})).toHaveLength(32);
    writeFileSync(join(directory, 'installation-key'), key(3), { mode: 0o400 });
    const fromCredentials = await readInstallationKey(file, { CREDENTIALS_DIRECTORY: directory });
    expect(Uint8Array.from(fromCredentials)).toEqual(key(3));
    writeFileSync(join(directory, 'short'), 'abc', { mode: 0o600 });
    await expect(readInstallationKey(join(directory, 'short'), {})).rejects.toMatchObject({
      code: 'INSTALLATION_KEY_INVALID',
    });
    writeFileSync(join(directory, 'open'), key(), { mode: 0o644 });
    await expect(readInstallationKey(join(directory, 'open'), {})).rejects.toMatchObject({
      code: 'SECRET_EXPOSED',
    });
  });
});
