/**
 * Fills PostgreSQL with the answers of some days, settles more of them at the rate of a city, 64 in a transaction, while history follows, and forgets the oldest day meanwhile:
 *
 *     node bench/retention.ts [--answers 3000000] [--days 6] [--gateways 400] [--rate 400] [--seconds 20] [--record FILE]
 */
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { RollUps } from '#backend/history/roll-ups.ts';
import type { Database } from '#backend/store/database.ts';
import { migrate } from '#backend/store/migrations.ts';
import { openPostgresql } from '#backend/store/postgresql.ts';
import { Store } from '#backend/store/store.ts';
import { startPostgres } from '#backend/testing/postgres-cluster.ts';
import type { Result } from '#protocol/messages.ts';
import { currentCommit, describeMachine } from './machine.ts';
import { childrenMs } from './processor-time.ts';
import { lookAround, tellMeasurement } from './record.ts';

const { values: options } = parseArgs({
  options: {
    answers: { type: 'string', default: '3000000' },
    days: { type: 'string', default: '6' },
    gateways: { type: 'string', default: '400' },
    rate: { type: 'string', default: '400' },
    seconds: { type: 'string', default: '20' },
    record: { type: 'string' },
  },
});
const [answers, days, gateways] = [Number(options.answers), Number(options.days), Number(options.gateways)];
const [rate, seconds] = [Number(options.rate), Number(options.seconds)];
const BATCH = 64;
const DAY_MS = 86_400_000;
const TODAY = Math.floor(Date.now() / DAY_MS) * DAY_MS;
const NOW = TODAY + DAY_MS / 2;
const NAMES = Array.from({ length: gateways }, (_, index) => `gate-${index}`);
const cameraOf = (index: number) => `camera-${index}`;

function resultOf(index: number, frameMs: number, sequence: number): Result {
  const latencyMs = { prepare: 1, encrypt: 2, evaluate: 31, transport: 14, decrypt: 5, total: 53 };
  const told = { label: 'absent', probability: 0.9, probabilities: { absent: 0.9, present: 0.1 } };
  const about = { camera: cameraOf(index), model: 'counter', modelVersion: 1, historical: false };
  return { ...about, ...told, frameTime: new Date(frameMs).toISOString(), sequence, latencyMs } as Result;
}

/** Answers of all days before, as the database makes them by itself; each gateway's in its order. */
async function fill(database: Database, store: Store): Promise<void> {
  for (const [index, name] of NAMES.entries()) {
    const more = { signingKey: '', certificateSerial: `${index}`, certificateEndMs: 0, enrolledMs: 0 };
    await store.gateways.add({ name, ...more });
    await store.cameras.claim(cameraOf(index), name, 1);
  }
  const daily = Math.floor(answers / days / gateways) * gateways;
  const text = JSON.stringify(resultOf(0, NOW, 1));
  for (let day = 0; day < days; day++) {
    const start = TODAY - (days - day) * DAY_MS;
    await store.results.prepare(start);
    const first = day * daily;
    await database.run(
      `INSERT INTO results (gateway, session, sequence, digest, camera, model, version, frame_ms, stored_ms, withheld, result)
       SELECT 'gate-' || n % ${gateways}, 1, n / ${gateways}, md5(n::text) || md5(n::text), 'camera-' || n % ${gateways}, 'counter', 1,
         ${start} + (n - ${first}) * ${DAY_MS} / ${daily}, ${start} + (n - ${first}) * ${DAY_MS} / ${daily} + 50, NULL, '${text}'
       FROM generate_series(CAST(${first} AS BIGINT), ${first + daily - 1}) AS n`,
    );
  }
  await database.run(
    `UPDATE gateways SET last_session = 1, last_sequence = ${(days * daily) / gateways - 1}`,
  );
  await store.results.prepare(NOW);
  await database.run('VACUUM ANALYZE results');
  await database.run('CHECKPOINT');
}

let sequence = Math.floor(answers / days / gateways) * days;
let turn = 0;
let settledMs = NOW;

/** As the processor settles: what each answer changes is written, all in one transaction. */
async function settleBatch(store: Store): Promise<void> {
  const batch = Array.from({ length: BATCH }, () => {
    const index = turn++ % gateways;
    if (index === 0) sequence++;
    return { index, name: NAMES[index]!, sequence };
  });
  settledMs += (BATCH * 1000) / rate;
  const names = batch.map(({ name }) => name);
  const cameras = batch.map(({ index }) => cameraOf(index));
  await store.settling(
    async (inside) => {
      for (const { index, name, sequence: own } of batch) {
        await inside.gateways.sender(name);
        const record = {
          ...{ gateway: name, session: 1, sequence: own, digest: 'd'.repeat(64), camera: cameraOf(index) },
          ...{
            model: 'counter',
            version: 1,
            frameMs: Math.floor(settledMs),
            storedMs: Math.floor(settledMs) + 50,
          },
          ...{ withheld: null, results: [resultOf(index, settledMs, own)] },
        };
        if (!(await inside.results.add(record))) throw new Error('a place was taken');
        await inside.gateways.advance(name, { session: 1, sequence: own });
        await inside.counters.add('accepted');
        await inside.publications.add(name, 1, own, record.storedMs);
        await inside.feed.add(name, 1, own, record.storedMs);
        await inside.cameras.noteAnswer(cameraOf(index), undefined, false, record.storedMs);
      }
    },
    { gateways: names, cameras },
  );
}

/** What comes after settling: publications leave, and answers are added up. */
async function followOn(store: Store, rollUps: RollUps): Promise<number> {
  const waiting = await store.publications.after(0, 256);
  if (waiting.length > 0) await store.publications.removeTo(waiting.at(-1)!.id);
  const taken = await store.transaction(async (inside) => {
    const some = await inside.feed.take(256);
    await rollUps.take(inside, some, settledMs);
    await rollUps.tick(inside, settledMs);
    return some.length;
  });
  return Math.min(taken, waiting.length);
}

const rounded = (value: number) => Math.round(value * 10) / 10;
const statistics = (times: readonly number[]) => {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number) =>
    rounded(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0);
  return { commits: sorted.length, median: at(0.5), p99: at(0.99), worst: at(1) };
};

/** Settles at the rate until `until` resolves, and at least for the given time. @returns ms of each commit and of each round of what follows, and of processors */
async function settling(store: Store, follower: Store, until: Promise<unknown>) {
  let isOver = false;
  void until.finally(() => {
    isOver = true;
  });
  const [commits, rounds]: [number[], number[]] = [[], []];
  const processors = () => {
    const { user, system } = process.cpuUsage();
    return { backend: (user + system) / 1000, postgresql: childrenMs(cluster.pid) };
  };
  const before = processors();
  const begun = performance.now();
  const isDone = () => isOver && performance.now() - begun > seconds * 1000;
  const rollUps = new RollUps({ minuteDays: 31, hourDays: 400, dayDays: 3660 });
  const following = (async () => {
    for (let left = 0; !isDone() || left > 0; ) {
      const from = performance.now();
      left = await followOn(follower, rollUps);
      rounds.push(performance.now() - from);
      await delay(200);
    }
  })();
  for (let batch = 0; !isDone(); batch++) {
    await delay(Math.max(0, begun + (batch * BATCH * 1000) / rate - performance.now()));
    const from = performance.now();
    await settleBatch(store);
    commits.push(performance.now() - from);
  }
  await following;
  const after = processors();
  const processorMsACommit = {
    backend: rounded((after.backend - before.backend) / commits.length),
    postgresql: rounded((after.postgresql - before.postgresql) / commits.length),
  };
  return { commitMs: statistics(commits), followMs: statistics(rounds), processorMsACommit };
}

async function timed(work: () => Promise<unknown>, rounds = 25): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const from = performance.now();
    await work();
    times.push(performance.now() - from);
  }
  return Math.round(statistics(times).median * 100) / 100;
}

async function reading(store: Store) {
  const span = (hours: number) => ({ sinceMs: NOW - hours * 3_600_000, beforeMs: NOW });
  return {
    latest: await timed(() => store.results.latest('camera-7')),
    hour: await timed(() => store.results.history('camera-7', span(13), 3600)),
    threeDaysAgo: await timed(() =>
      store.results.history('camera-7', { sinceMs: NOW - 3 * DAY_MS, beforeMs: NOW - 2.9 * DAY_MS }, 3600),
    ),
    placeOfBefore: await timed(() => store.results.digestAt('gate-7', 1, 5)),
    shownBefore: await timed(() =>
      store.results.about(
        Array.from({ length: BATCH }, (_, i) => ({ camera: cameraOf(i), frameMs: NOW, digest: 'x' })),
      ),
    ),
    page: await timed(() => store.storedAnswers.page('camera-7', TODAY - 2 * DAY_MS, TODAY, null, 500)),
  };
}

/** Megabytes that the results take on the disk, whatever is in them. */
async function megabytes(database: Database): Promise<number> {
  const [row] = await database.all<{ bytes: string }>(
    `SELECT SUM(pg_total_relation_size(oid)) AS bytes FROM pg_class WHERE relname LIKE 'results%' AND relkind = 'r'`,
  );
  return rounded(Number(row!.bytes) / 1e6);
}

const circumstances = await lookAround(['..']);
const cluster = await startPostgres(undefined, { durable: true });
try {
  const url = await cluster.createDatabase();
  const [database, other, third] = [
    await openPostgresql(url),
    await openPostgresql(url),
    await openPostgresql(url),
  ];
  await migrate(database);
  const [store, follower, remover] = [new Store(database), new Store(other), new Store(third)];
  const begun = performance.now();
  await fill(database, store);
  const fillSeconds = rounded((performance.now() - begun) / 1000);
  const before = await megabytes(database);
  const readMs = await reading(store);
  await settling(store, follower, delay(3000));
  const alone = await settling(store, follower, Promise.resolve());
  const from = performance.now();
  let removed = 0;
  let removeSeconds = 0;
  const removing = remover.results.removeBefore(TODAY - (days - 1) * DAY_MS).then((count) => {
    removed = count;
    removeSeconds = rounded((performance.now() - from) / 1000);
  });
  const during = await settling(store, follower, removing);
  const after = await megabytes(database);
  const [dead] = await database.all<{ dead: number }>(
    `SELECT CAST(COALESCE(SUM(n_dead_tup), 0) AS BIGINT) AS dead FROM pg_stat_user_tables WHERE relname LIKE 'results%'`,
  );
  const report = {
    ...{ machine: describeMachine(), commit: await currentCommit() },
    ...{ answers, days, gateways, rate, fillSeconds, alone, during, removed, removeSeconds },
    megabytes: { before, after },
    ...{ deadRows: dead!.dead, readMs },
  };
  await tellMeasurement(report, circumstances, options.record);
  await Promise.all([database, other, third].map((one) => one.close()));
} finally {
  await cluster.stop();
}
