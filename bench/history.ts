/**
 * Fills a store with the roll-ups of a month, as if each camera had answered ten times a second, and reads time lines from it:
 *
 *     node bench/history.ts [--cameras 20] [--days 31] [--database sqlite|postgresql] [--record FILE]
 */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readHistory } from '#backend/history/read-history.ts';
import { readLines } from '#backend/history/read-lines.ts';
import { RollUps } from '#backend/history/roll-ups.ts';
import type { Database } from '#backend/store/database.ts';
import type { SettledAnswer } from '#backend/store/feed.ts';
import { migrate } from '#backend/store/migrations.ts';
import { openPostgresql } from '#backend/store/postgresql.ts';
import { RollUp } from '#backend/store/roll-up.ts';
import { ROLL_UP_LEVELS, ROLL_UP_MS } from '#backend/store/roll-up-level.ts';
import { openSqlite } from '#backend/store/sqlite.ts';
import { Store } from '#backend/store/store.ts';
import { startPostgres } from '#backend/testing/postgres-cluster.ts';
import type { Result } from '#protocol/messages.ts';
import { currentCommit, describeMachine } from './machine.ts';
import { lookAround, tellMeasurement } from './record.ts';

const { values: options } = parseArgs({
  options: {
    cameras: { type: 'string', default: '20' },
    days: { type: 'string', default: '31' },
    database: { type: 'string', default: 'sqlite' },
    record: { type: 'string' },
  },
});
const [cameras, days] = [Number(options.cameras), Number(options.days)];
if (!(cameras > 0 && days > 0)) throw new Error('--cameras and --days: expected numbers');

const RATE = 10;
const DAY_MS = ROLL_UP_MS.day;
const NOW = Math.floor(Date.now() / DAY_MS) * DAY_MS;
const KEPT = { minuteDays: 31, hourDays: 400, dayDays: 3660 };
const ROUNDS = 15;
const LABELS = ['absent', 'present'];

const circumstances = await lookAround(['..']);
const folder = await mkdtemp(join(tmpdir(), 'blindsight-history-'));
const cluster = options.database === 'postgresql' ? await startPostgres() : null;

async function open(): Promise<Database> {
  return cluster === null ? openSqlite(join(folder, 'a.db')) : openPostgresql(await cluster.createDatabase());
}

/** What a camera answered in a slot: somebody is there now and then. */
function slotOf(answers: number): RollUp {
  const slot = new RollUp();
  const share = Math.random() < 0.3 ? Math.random() : 0;
  const present = Math.round(share * answers);
  const told = (value: number) =>
    new Map([
      [0, { value: 1 - value, held: value < 0.5 }],
      [1, { value, held: value > 0.5 }],
    ]);
  const some = new RollUp();
  for (let index = 0; index < 20; index++)
    some.add(told(index < (present * 20) / answers ? 0.55 + 0.05 * (index % 9) : 0.05 * (index % 4)));
  for (let merged = 0; merged < answers; merged += 20) slot.merge(some);
  return slot;
}

async function fill(store: Store): Promise<number> {
  const ids: number[] = [];
  for (let index = 0; index < cameras; index++) {
    const line = { camera: `camera-${index}`, region: '', model: 'counter', task: 'classification' } as const;
    const more = { output: null, labels: LABELS, newestDay: NOW / DAY_MS };
    ids.push(await store.rollUps.addLine({ ...line, ...more }));
    await store.cameras.claim(`camera-${index}`, 'gate', 1);
  }
  let rows = 0;
  for (const level of ROLL_UP_LEVELS) {
    const unitMs = ROLL_UP_MS[level];
    const [first, last] = [(NOW - days * DAY_MS) / unitMs, NOW / unitMs];
    for (let start = first; start < last; start += 100) {
      await store.transaction(async (inside) => {
        for (let at = start; at < Math.min(last, start + 100); at++) {
          const slots = ids.map((line) => ({
            level,
            start: at,
            line,
            isOpen: false,
            rollUp: slotOf((RATE * unitMs) / 1000),
          }));
          await inside.rollUps.put(slots);
          rows += slots.length;
        }
      });
    }
  }
  return rows;
}

type Times = { readonly cpu: number; readonly wall: number; readonly longest: number };

/** Of several calls, ms: medians of the processor's time of this process and of the time that passed, and the longest that passed. */
async function timed(work: () => Promise<unknown>): Promise<Times> {
  const times: { cpu: number; wall: number }[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const [cpu, begun] = [process.cpuUsage(), performance.now()];
    JSON.stringify(await work());
    const { user, system } = process.cpuUsage(cpu);
    times.push({ cpu: (user + system) / 1000, wall: performance.now() - begun });
  }
  const at = (index: number, name: 'cpu' | 'wall') => {
    const sorted = times.map((one) => one[name]).sort((a, b) => a - b);
    return Math.round(sorted.at(index)! * 10) / 10;
  };
  return { cpu: at(ROUNDS >> 1, 'cpu'), wall: at(ROUNDS >> 1, 'wall'), longest: at(-1, 'wall') };
}

/** Answers as they come, 0.2 s of all cameras in a batch. @returns ms of a batch */
async function writing(store: Store): Promise<Times> {
  const rollUps = new RollUps(KEPT);
  let frameMs = NOW;
  return timed(async () => {
    const batch: SettledAnswer[] = [];
    for (let sequence = 0; sequence < 2 * cameras; sequence++) {
      const told = { label: 'absent', probability: 0.9, probabilities: { absent: 0.9, present: 0.1 } };
      const about = { camera: `camera-${sequence % cameras}`, model: 'counter' };
      const place = { id: sequence, gateway: 'gate', session: 1, sequence, version: 1 };
      const times = { frameMs: frameMs + sequence, storedMs: frameMs + sequence };
      batch.push({
        ...place,
        ...about,
        ...times,
        withheld: null,
        results: [{ ...about, ...told } as unknown as Result],
      });
    }
    frameMs += 200;
    await store.transaction((inside) => rollUps.take(inside, batch, frameMs));
  });
}

async function bytesOf(database: Database): Promise<number> {
  if (cluster === null) return (await stat(join(folder, 'a.db'))).size;
  const [row] = await database.all<{ bytes: string | number }>(
    "SELECT pg_total_relation_size('roll_ups') AS bytes",
  );
  return Number(row!.bytes);
}

const database = await open();
try {
  await migrate(database);
  const store = new Store(database);
  await store.gateways.add({
    ...{ name: 'gate', signingKey: '', certificateSerial: '', certificateEndMs: 0, enrolledMs: 0 },
  });
  const begun = performance.now();
  const rows = await fill(store);
  const fillSeconds = Math.round((performance.now() - begun) / 1000);
  // Into the file, what waits in the log.
  if (cluster === null) await database.all('PRAGMA wal_checkpoint(TRUNCATE)');
  const bytes = await bytesOf(database);
  const { signal } = new AbortController();
  const read = (minutes: number) =>
    timed(() => {
      const span = { sinceMs: NOW - minutes * 60_000, untilMs: NOW - 1 };
      return readHistory(store, { camera: 'camera-7', ...span, signal }, KEPT);
    });
  const lines = (minutes: number) =>
    timed(() => readLines(store, { minutes, points: 60, nowMs: NOW - 1 }, KEPT));
  const report = {
    ...{ machine: describeMachine(), commit: await currentCommit() },
    ...{
      database: options.database,
      cameras,
      days,
      rows,
      fillSeconds,
      megabytes: Math.round(bytes / 1e5) / 10,
    },
    readMs: { day: await read(1440), week: await read(7 * 1440), month: await read(30 * 1440) },
    linesMs: { hour: await lines(60), day: await lines(1440) },
    batchMs: await writing(store),
  };
  await tellMeasurement(report, circumstances, options.record);
  await store.close();
} finally {
  await rm(folder, { recursive: true });
  await cluster?.stop();
}
