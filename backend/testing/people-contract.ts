import { describe, expect, it } from 'vitest';
import type { NewEntry } from '../store/audit.ts';
import { hashEntry, NO_HEAD } from '../store/audit.ts';
import type { Database } from '../store/database.ts';
import type { Store } from '../store/store.ts';

const ENTRY: NewEntry = {
  timeMs: 1_700_000_000_000,
  actor: 'anna',
  role: 'owner',
  door: 'cli',
  act: 'deploy',
  subject: 'gate\0-1',
  outcome: 'begun',
  details: '{}',
  began: null,
};

/** What every store must do with people and with the audit log. @param opened the store of this test, empty, and its database */
export function describePeople(opened: () => { readonly store: Store; readonly database: Database }): void {
  describe('people', () => {
    const person = { name: 'anna', role: 'owner', password: 'hash', createdMs: 5 } as const;

    it('have one account each, which stays when they are removed, and may be given again', async () => {
      const { people } = opened().store;
      expect(await people.any()).toBe(false);
      expect(await people.add(person)).toBe(true);
      expect(await people.add({ ...person, role: 'viewer' })).toBe(false);
      expect(await people.get('anna')).toMatchObject({ role: 'owner', generation: 1, disabledMs: null });
      expect(await people.disable('anna', 9)).toBe(true);
      expect(await people.disable('anna', 9)).toBe(false);
      expect(await people.get('anna')).toBeNull();
      expect(await people.list()).toEqual([]);
      expect(await people.any()).toBe(true);
      expect(await people.setRole('anna', 'viewer')).toBe(false);
      expect(await people.add({ ...person, role: 'viewer' })).toBe(true);
      expect(await people.get('anna')).toMatchObject({ role: 'viewer', generation: 3 });
    });

    it('have sessions that belong to their account as it was, and bounded in number', async () => {
      const { people, sessions } = opened().store;
      await people.add(person);
      const session = (hash: string, generation: number) => ({
        ...{ hash, generation, person: 'anna', siteToken: null },
      });
      await sessions.add(session('one', 1), 100);
      expect(await sessions.get('one')).toEqual({
        ...{ person: 'anna', siteToken: null, role: 'owner', createdMs: 100, usedMs: 100 },
      });
      await sessions.touch('one', 150);
      expect((await sessions.get('one'))?.usedMs).toBe(150);
      await people.setPassword('anna', 'other');
      expect(await sessions.get('one')).toBeNull();
      for (let number = 0; number < 60; number++) await sessions.add(session(`s${number}`, 2), 200 + number);
      expect(await sessions.get('s9')).toBeNull();
      expect(await sessions.get('s10')).not.toBeNull();
      await sessions.add({ hash: 'file', person: '', generation: 0, siteToken: 'print' }, 300);
      expect(await sessions.get('file')).toMatchObject({ role: null, siteToken: 'print' });
      await sessions.remove('s10');
      await sessions.removeOld(0, 215);
      expect(await sessions.get('s14')).toBeNull();
      expect(await sessions.removeOf('anna')).toBe(45);
      expect(await sessions.get('file')).not.toBeNull();
      await sessions.removeAll();
      expect(await sessions.get('file')).toBeNull();
    });

    it('give tokens whose names are never used again', async () => {
      const { tokens } = opened().store;
      const token = { name: 'dash', hash: 'h', role: 'viewer', createdMs: 1, endMs: 9 } as const;
      expect(await tokens.add(token)).toBe(true);
      expect(await tokens.add({ ...token, hash: 'i' })).toBe(false);
      expect(await tokens.get('h')).toEqual(token);
      expect(await tokens.list()).toEqual([token]);
      expect(await tokens.revoke('dash', 2)).toBe(true);
      expect(await tokens.revoke('dash', 2)).toBe(false);
      expect(await tokens.get('h')).toBeNull();
      expect(await tokens.add({ ...token, hash: 'i' })).toBe(false);
    });
  });

  describe('the audit log', () => {
    it('has entries in an unbroken chain, however many are added at once', async () => {
      const { audit } = opened().store;
      expect(await audit.head()).toEqual(NO_HEAD);
      await Promise.all(Array.from({ length: 20 }, (_, i) => audit.append({ ...ENTRY, subject: `${i}` })));
      const entries = await audit.after(0, 100);
      expect(entries.map(({ seq }) => seq)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
      let { hash } = NO_HEAD;
      for (const entry of entries) {
        expect(Buffer.from(entry.previous)).toEqual(Buffer.from(hash));
        expect(Buffer.from(hashEntry(entry))).toEqual(Buffer.from(entry.hash));
        hash = entry.hash;
      }
      await audit.append({ ...ENTRY, outcome: 'ok', began: 20 });
      const [newest] = await audit.acts({ limit: 1 });
      expect(newest).toMatchObject({ seq: 20, outcome: 'ok', endMs: ENTRY.timeMs });
      await audit.append(ENTRY);
      expect(await audit.acts({ limit: 1, actor: 'anna', sinceMs: ENTRY.timeMs })).toMatchObject([
        { subject: 'gate -1', outcome: 'begun', endMs: null },
      ]);
    });

    it('refuses to be changed', async () => {
      const { store, database } = opened();
      await store.audit.append(ENTRY);
      const statements = [
        "UPDATE audit SET actor = 'bert'",
        'DELETE FROM audit',
        ...(database.dialect.kind === 'postgresql' ? ['TRUNCATE audit'] : []),
      ];
      for (const sql of statements)
        await expect(database.run(sql), sql).rejects.toThrow('the audit log only grows');
      expect((await store.audit.head()).seq).toBe(1);
    });
  });
}
