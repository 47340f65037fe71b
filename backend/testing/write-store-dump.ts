/**
 * Writes SQL that makes a small store of the schema of this version, with something in most of what answers touch. Its output for a schema that was released is kept in test/data/stores, so
 * that ../store/former-schemas.test.ts can bring it forward, whatever becomes of the migrations:
 *
 *     node backend/testing/write-store-dump.ts sqlite|postgresql > test/data/stores/KIND-SCHEMA.sql
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Database } from '../store/database.ts';
import { migrate } from '../store/migrations.ts';
import { openPostgresql } from '../store/postgresql.ts';
import { openSqlite } from '../store/sqlite.ts';
import { Store } from '../store/store.ts';
import { bareEnvelope } from './bare-envelope.ts';
import { startPostgres } from './postgres-cluster.ts';

const DAY_MS = 86_400_000;
/** 1 October 2026. */
const FIRST_MS = 20_727 * DAY_MS;

/** Two days of answers, some about regions and one withheld; one envelope that waits, and one of each kind of record beside. */
async function fill(database: Database): Promise<void> {
  await migrate(database);
  const store = new Store(database);
  await store.settings.set('site', 'yard');
  for (const name of ['gate', 'dock']) {
    const more = { signingKey: `key of ${name}`, certificateSerial: `0${name.length}`, certificateEndMs: 9 };
    await store.gateways.add({ name, ...more, enrolledMs: FIRST_MS });
    await store.cameras.claim(`door-${name}`, name, FIRST_MS);
  }
  for (let sequence = 1; sequence <= 6; sequence++) {
    const gateway = sequence % 2 === 0 ? 'gate' : 'dock';
    const storedMs = FIRST_MS + (sequence * DAY_MS) / 3;
    const told = { camera: `door-${gateway}`, model: 'counter', label: 'empty', probability: 0.9, sequence };
    const regions = sequence > 4 ? ['left', 'right'].map((region) => ({ ...told, region })) : [told];
    await store.settling(async (inside) => {
      await inside.results.add({
        ...{ gateway, session: 7, sequence, digest: `${sequence}`.repeat(64), camera: `door-${gateway}` },
        ...{ model: 'counter', version: 1, frameMs: storedMs - 50, storedMs },
        ...{ withheld: sequence === 3 ? 'range' : null, results: (sequence === 3 ? [] : regions) as never },
      });
      await inside.gateways.advance(gateway, { session: 7, sequence });
      await inside.counters.add('accepted');
      await inside.feed.add(gateway, 7, sequence);
      if (sequence > 3) await inside.publications.add(gateway, 7, sequence);
    });
  }
  await store.floors.raise('gate', [{ session: 6, sequence: 9 }]);
  const { ciphertext } = bareEnvelope('yard', 7);
  const waiting = { digest: 'f'.repeat(64), gateway: 'gate', camera: 'door-gate', receivedMs: FIRST_MS };
  await store.inbox.add({ ...waiting, envelope: ciphertext }, { items: 9, bytes: 99, siteBytes: 99 });
  const entry = { timeMs: FIRST_MS, level: 'info', code: 'SITE_RESTORED', subject: 'yard', message: 'so' };
  await store.journal.add(entry as Parameters<Store['journal']['add']>[0]);
}

async function postgresql(): Promise<string> {
  const cluster = await startPostgres();
  try {
    const url = await cluster.createDatabase();
    const database = await openPostgresql(url);
    await fill(database);
    await database.close();
    const how = ['--inserts', '--no-owner', '--no-privileges', '--no-comments'];
    const { stdout } = await promisify(execFile)('pg_dump', [...how, url], { maxBuffer: 2 ** 26 });
    // Of psql's own, and not SQL.
    return stdout.replace(/^(--.*|\\.*|SET .*|SELECT pg_catalog.set_config.*)?\n/gm, '');
  } finally {
    await cluster.stop();
  }
}

async function sqlite(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'blindsight-dump-'));
  try {
    const database = openSqlite(join(folder, 'a.db'));
    await fill(database);
    const parts = await database.all<{ type: string; name: string; sql: string | null }>(
      "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY type = 'trigger', rowid",
    );
    const lines: string[] = [];
    for (const { type, name, sql } of parts) {
      if (sql !== null) lines.push(`${sql};`);
      if (type !== 'table') continue;
      for (const row of await database.all<Record<string, unknown>>(`SELECT * FROM ${name}`))
        lines.push(`INSERT INTO ${name} VALUES (${Object.values(row).map(literal).join(', ')});`);
    }
    await database.close();
    return `${lines.map((line) => line.replace(/\n\s*/g, ' ')).join('\n')}\n`;
  } finally {
    await rm(folder, { recursive: true });
  }
}

function literal(value: unknown): string {
  if (value === null || typeof value === 'number') return String(value);
  if (value instanceof Uint8Array) return `x'${Buffer.from(value).toString('hex')}'`;
  return `'${String(value).replaceAll("'", "''")}'`;
}

process.stdout.write(await (process.argv[2] === 'sqlite' ? sqlite() : postgresql()));
