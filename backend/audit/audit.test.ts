import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SECRETS } from '../sealing/identities.ts';
import { Vault } from '../sealing/vault.ts';
import { hashEntry } from '../store/audit.ts';
import { migrate } from '../store/migrations.ts';
import { openSqlite } from '../store/sqlite.ts';
import { Store } from '../store/store.ts';
import { acceptAudit } from './accept-audit.ts';
import { type Act, AuditLog } from './audit-log.ts';
import { type Anchored, CHECKPOINT_FILE } from './checkpoint.ts';
import { verifyAudit } from './verify-audit.ts';

const CHILD = fileURLToPath(new URL('../testing/audit-child.ts', import.meta.url));
const TRIGGERS = ['audit_no_update', 'audit_no_delete', 'audit_no_insert'];
const act = (subject: string): Act => ({ actor: 'anna', role: 'owner', door: 'cli', act: 'test', subject });

let folder: string;
let site: Anchored;
let troubles: string[];
let log: AuditLog;

function open(): Anchored {
  const store = new Store(openSqlite(join(folder, 'blindsight.db')));
  return { name: 'yard', store, vault: new Vault(new Uint8Array(32).fill(7)), dataDirectory: folder };
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'blindsight-audit-'));
  const database = openSqlite(join(folder, 'blindsight.db'));
  await migrate(database);
  await database.close();
  site = open();
  troubles = [];
  log = new AuditLog(site, { onTrouble: (trouble) => troubles.push(trouble) });
});
afterEach(async () => {
  await site.store.close();
  rmSync(folder, { recursive: true });
});

async function fill(count: number): Promise<void> {
  for (let number = 1; number <= count; number++) await log.note(act(`n${number}`), 'ok');
}

/** What somebody does who has the database file, and takes its triggers away. */
async function tamper(sql: string, ...values: (string | number | Uint8Array)[]): Promise<void> {
  await site.store.close();
  const database = new DatabaseSync(join(folder, 'blindsight.db'));
  for (const trigger of TRIGGERS) database.exec(`DROP TRIGGER IF EXISTS ${trigger}`);
  for (const statement of sql.split(';').filter((one) => one.trim() !== '')) {
    const prepared = database.prepare(statement);
    prepared.run(...(statement.includes('?') ? values : []));
  }
  database.close();
  site = open();
  log = new AuditLog(site, { onTrouble: (trouble) => troubles.push(trouble) });
}

/** Every entry from `from` on anew, with hashes that fit. */
async function rewrite(from: number, change: (subject: string) => string): Promise<void> {
  const entries = await site.store.audit.after(from - 1, 1000);
  let previous = from === 1 ? new Uint8Array(32) : (await site.store.audit.hashOf(from - 1))!;
  for (const entry of entries) {
    const next = { ...entry, subject: change(entry.subject), previous };
    const hash = hashEntry(next);
    await tamper(
      'UPDATE audit SET subject = ?, previous = ?, hash = ? WHERE seq = ?',
      next.subject,
      previous,
      hash,
      entry.seq,
    );
    previous = hash;
  }
}

describe('the audit log', () => {
  it('notes an act before it happens and how it ended, and shows them as one', async () => {
    const begun = await log.begin({ ...act('gate-1'), details: { version: 3 } });
    expect(await site.store.audit.acts({ limit: 5 })).toMatchObject([{ outcome: 'begun', endMs: null }]);
    await log.note(act('other'), 'API_ROLE_NEEDED');
    await log.end(begun, 'ok');
    const acts = await site.store.audit.acts({ limit: 5 });
    expect(acts).toMatchObject([
      { seq: 2, subject: 'other', outcome: 'API_ROLE_NEEDED', endMs: null },
      { seq: 1, subject: 'gate-1', outcome: 'ok', details: '{"version":3}', endMs: expect.any(Number) },
    ]);
    expect(await site.store.audit.acts({ limit: 5, actor: 'bert' })).toEqual([]);
    expect(await site.store.audit.acts({ limit: 5, sinceMs: Date.now() + 1000 })).toEqual([]);
    expect(await site.store.audit.acts({ limit: 5, before: 2 })).toHaveLength(1);
    expect(await verifyAudit(site)).toMatchObject({ entries: 3, damage: null, signed: { seq: 3 } });
    expect(troubles).toEqual([]);
  });

  it('says when it is empty, and bounds what it is given', async () => {
    expect(await verifyAudit(site)).toMatchObject({ entries: 0, damage: null });
    await log.note({ ...act('x'.repeat(10_000)), details: { text: 'y'.repeat(10_000) } }, 'ok');
    await log.note(act('half 😀'.repeat(100)), 'ok');
    const [half, long] = await site.store.audit.acts({ limit: 5 });
    expect(long).toMatchObject({ subject: 'x'.repeat(240), details: '{"cut":true}' });
    expect(half?.subject.isWellFormed()).toBe(true);
    expect((await verifyAudit(site)).damage).toBeNull();
  });

  it('cannot be changed through the database as long as its triggers are there', async () => {
    await fill(3);
    await site.store.close();
    const database = new DatabaseSync(join(folder, 'blindsight.db'));
    const columns = 'time_ms, actor, role, door, act, subject, outcome, details, began, previous, hash';
    for (const sql of [
      "UPDATE audit SET actor = 'bert' WHERE seq = 2",
      'DELETE FROM audit WHERE seq = 3',
      'DELETE FROM audit',
      `INSERT INTO audit SELECT 9, ${columns} FROM audit WHERE seq = 1`,
      `REPLACE INTO audit SELECT 2, ${columns} FROM audit WHERE seq = 1`,
    ]) {
      expect(() => database.exec(sql), sql).toThrow('the audit log only grows');
    }
    database.close();
    site = open();
    expect((await verifyAudit(site)).damage).toBeNull();
  });

  it.each([
    ['an entry that was changed', "UPDATE audit SET actor = 'bert' WHERE seq = 3", 'changed', 3],
    ['an outcome that was changed', "UPDATE audit SET outcome = 'x' WHERE seq = 1", 'changed', 1],
    ['a time that was changed', 'UPDATE audit SET time_ms = time_ms + 1 WHERE seq = 5', 'changed', 5],
    ['what it belongs to that was changed', 'UPDATE audit SET began = 1 WHERE seq = 5', 'changed', 5],
    ['an entry that was removed', 'DELETE FROM audit WHERE seq = 3', 'missing', 3],
    ['entries that were removed', 'DELETE FROM audit WHERE seq IN (2, 3)', 'missing', 2],
    ['the first that was removed', 'DELETE FROM audit WHERE seq = 1', 'missing', 1],
    [
      'one that was removed, and the others moved up',
      'DELETE FROM audit WHERE seq = 3; UPDATE audit SET seq = 3 WHERE seq = 4; UPDATE audit SET seq = 4 WHERE seq = 5',
      'changed',
      3,
    ],
    [
      'two that changed places',
      'UPDATE audit SET seq = 100 WHERE seq = 2; UPDATE audit SET seq = 2 WHERE seq = 3; UPDATE audit SET seq = 3 WHERE seq = 100',
      'changed',
      2,
    ],
    ['the last that was cut off', 'DELETE FROM audit WHERE seq = 5', 'cut off', 5],
    ['all that was cut off', 'DELETE FROM audit', 'cut off', 1],
  ])('finds %s', async (_, sql, kind, seq) => {
    await fill(5);
    await tamper(sql);
    expect((await verifyAudit(site)).damage).toMatchObject({ kind, seq });
  });

  it('finds one that was rewritten from somewhere on without the key, and one that was changed with its own hash', async () => {
    await fill(4);
    await rewrite(3, (subject) => `${subject}, not me`);
    expect((await verifyAudit(site)).damage).toMatchObject({ kind: 'changed', seq: 4 });
    await acceptAudit(site);
    expect((await verifyAudit(site)).damage).toBeNull();
    const [second] = await site.store.audit.after(1, 1);
    const hash = hashEntry({ ...second!, subject: 'else' });
    await tamper("UPDATE audit SET subject = 'else', hash = ? WHERE seq = 2", hash);
    expect((await verifyAudit(site)).damage).toMatchObject({ kind: 'changed', seq: 2 });
  });

  it('keeps the proof of what was cut off, and says so with every further entry', async () => {
    await fill(5);
    const before = readFileSync(join(folder, CHECKPOINT_FILE), 'utf8');
    await tamper('DELETE FROM audit WHERE seq > 2');
    await fill(6);
    expect(new Set(troubles)).toEqual(new Set(['entry 5 is not the one that was signed']));
    expect(readFileSync(join(folder, CHECKPOINT_FILE), 'utf8')).toBe(before);
    expect((await verifyAudit(site)).damage).toMatchObject({ kind: 'changed', seq: 5 });
  });

  it.each([
    ['removed', () => rmSync(join(folder, CHECKPOINT_FILE))],
    ['garbage', () => writeFileSync(join(folder, CHECKPOINT_FILE), '{')],
    [
      'forged',
      () => {
        const text = readFileSync(join(folder, CHECKPOINT_FILE), 'utf8');
        writeFileSync(join(folder, CHECKPOINT_FILE), text.replace('"seq": 5', '"seq": 4'));
      },
    ],
  ])(
    'says that nothing proves its end where the checkpoint was %s, and signs no new one',
    async (_, harm) => {
      await fill(5);
      harm();
      await tamper('DELETE FROM audit WHERE seq = 5');
      await fill(1);
      expect(troubles).toHaveLength(1);
      expect((await verifyAudit(site)).damage).toMatchObject({ kind: 'unsigned' });
      await tamper(`DELETE FROM secrets WHERE identity = '${SECRETS.auditKey}'`);
      await fill(1);
      expect((await verifyAudit(site)).damage).toMatchObject({ kind: 'unsigned' });
      await acceptAudit(site);
      expect((await verifyAudit(site)).damage).toBeNull();
    },
  );

  it('put back to an earlier day, checkpoint and all, is found by what was noted elsewhere only', async () => {
    await fill(2);
    copyFileSync(join(folder, CHECKPOINT_FILE), join(folder, 'old'));
    await fill(2);
    const { entries, head } = await verifyAudit(site);
    await tamper('DELETE FROM audit WHERE seq > 2');
    copyFileSync(join(folder, 'old'), join(folder, CHECKPOINT_FILE));
    expect((await verifyAudit(site)).damage).toBeNull();
    const expected = { seq: entries, hash: head };
    expect((await verifyAudit(site, { expected })).damage).toMatchObject({ kind: 'cut off', seq: 3 });
    await fill(2);
    expect((await verifyAudit(site, { expected })).damage).toMatchObject({ kind: 'changed', seq: 4 });
  });

  it('lets nothing happen that it cannot note', async () => {
    await site.store.close();
    await expect(log.begin(act('x'))).rejects.toMatchObject({ code: 'AUDIT_UNWRITABLE' });
    site = open();
  });

  it('stays whole while many processes write it and are killed', async () => {
    const children: ChildProcess[] = [];
    let said = 0;
    for (let number = 0; number < 4; number++) {
      const child = spawn(process.execPath, [CHILD, folder, `user-${number}`, '1000'], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      child.stdout?.setEncoding('utf8').on('data', (text: string) => {
        said += text.split('\n').length - 1;
      });
      children.push(child);
    }
    for (const [index, child] of children.entries()) {
      const closed = once(child, 'close');
      while (said < 12 * (index + 1)) await new Promise((resolve) => setTimeout(resolve, 5));
      child.kill('SIGKILL');
      await closed;
    }
    const { entries, damage } = await verifyAudit(site);
    expect(damage).toBeNull();
    expect(entries).toBeGreaterThanOrEqual(said);
    await fill(3);
    expect(troubles).toEqual([]);
    expect(await verifyAudit(site)).toMatchObject({ entries: entries + 3, damage: null });
  });
});
