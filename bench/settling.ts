/**
 * Fills the inbox of a site with real answers and lets the backend's processor settle them, with milliseconds added to every commit, as on a slow disk:
 *
 *     node bench/settling.ts [--answers 4000] [--gateways 100] [--sync 2] [--record FILE]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { answerLimits } from '#backend/decryption/answer-bounds.ts';
import { Decryptor } from '#backend/decryption/decryptor.ts';
import { Processor } from '#backend/decryption/processor.ts';
import { withSite } from '#backend/site-folder.ts';
import type { Database, Value } from '#backend/store/database.ts';
import { migrate } from '#backend/store/migrations.ts';
import { openSqlite } from '#backend/store/sqlite.ts';
import { Store } from '#backend/store/store.ts';
import { envelopeDigest } from '#protocol/envelope.ts';
import { systemClock as clock } from '#runtime/clock.ts';
import { createLogger } from '#runtime/log.ts';
import { makeCitySite } from './city/city-site.ts';
import { cameraOf, simulatedEnvelope } from './city/simulated-envelope.ts';
import { currentCommit, describeMachine } from './machine.ts';
import { lookAround, SITE_FOLDERS, tellMeasurement } from './record.ts';

const { values: options } = parseArgs({
  options: {
    answers: { type: 'string', default: '4000' },
    gateways: { type: 'string', default: '100' },
    sync: { type: 'string', default: '2' },
    record: { type: 'string' },
  },
});
const [answers, gateways, syncMs] = [Number(options.answers), Number(options.gateways), Number(options.sync)];
const log = createLogger({ name: 'bench', level: 'error', format: 'json' });
const BOUND = { items: 10 ** 6, bytes: 2 ** 40, siteBytes: 2 ** 40 };

/** A database whose disk takes longer to sync; the thread waits, as it does for SQLite. */
class SlowDatabase implements Database {
  commits = 0;
  readonly #inner: Database;
  readonly #cell = new Int32Array(new SharedArrayBuffer(4));

  constructor(inner: Database) {
    this.#inner = inner;
  }

  get dialect() {
    return this.#inner.dialect;
  }

  all<Row>(sql: string, ...values: readonly Value[]): Promise<Row[]> {
    if (/\b(INSERT|UPDATE|DELETE)\b/.test(sql))
      return this.transaction((inside) => inside.all<Row>(sql, ...values));
    return this.#inner.all<Row>(sql, ...values);
  }

  run(sql: string, ...values: readonly Value[]): Promise<number> {
    return this.transaction((inside) => inside.run(sql, ...values));
  }

  transaction<T>(work: (database: Database) => Promise<T>): Promise<T> {
    return this.#inner.transaction(async (inside) => {
      const result = await work(inside);
      this.commits++;
      if (syncMs > 0) Atomics.wait(this.#cell, 0, 0, syncMs);
      return result;
    });
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}

const circumstances = await lookAround(SITE_FOLDERS);
const folder = await mkdtemp(join(tmpdir(), 'blindsight-settling-'));
const signal = new AbortController().signal;
try {
  const city = await makeCitySite(folder, {
    ...{ gateways, rate: 10, brokerPort: 1, apiPort: 2, signal, onProgress: () => {} },
  });
  await withSite(city.data, async (site, config) => {
    const opened = openSqlite(join(city.data, 'blindsight.db'));
    await migrate(opened);
    const nowMs = Date.now();
    const quick = new Store(opened);
    await quick.transaction(async (inside) => {
      for (let i = 0; i < answers; i++) {
        const gateway = city.gateways[i % gateways]!;
        const place = { session: 1, sequence: Math.floor(i / gateways) };
        const frameTimeMs = nowMs - 100 * Math.floor((answers - i) / gateways) - 1000;
        const ciphertext = city.answers[i % city.answers.length]!;
        const envelope = simulatedEnvelope(gateway, place, frameTimeMs, ciphertext);
        const arrival = { gateway: gateway.name, camera: cameraOf(gateway), receivedMs: nowMs };
        await inside.inbox.add({ ...arrival, digest: envelopeDigest(envelope), envelope }, BOUND);
      }
    });
    const database = new SlowDatabase(opened);
    const store = new Store(database);
    const decryptor = new Decryptor({ ...site, store });
    const release = (await store.deployments.current())[0]!;
    const model = (await store.models.get(release.model, release.version))!;
    await decryptor.prepare(model, { model: model.name, version: model.version, number: release.protection });
    let results = 0;
    const stop = new AbortController();
    const processor = new Processor({
      ...{ store, site: site.name, decryptor, limits: answerLimits(config), acceptsReference: true },
      audits: { consider: async () => {}, heard: () => {} },
      ...{ clock, log, onChange: () => {}, heldBound: BOUND },
      audit: config.audit,
      onResult: () => {
        if (++results === answers) stop.abort();
      },
    });
    const begunMs = performance.now();
    const [cpu, ofMain] = [process.cpuUsage(), process.threadCpuUsage()];
    await processor.run(stop.signal);
    const seconds = (performance.now() - begunMs) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    const main = process.threadCpuUsage(ofMain);
    await decryptor.close();
    const waiting = await store.inbox.count();
    await opened.close();
    const report = {
      ...{ machine: describeMachine(), commit: await currentCommit(), answers, gateways, syncMs },
      ...{ settledPerSecond: results / seconds, commitsPerAnswer: database.commits / results, waiting },
      cpuMsPerAnswer: (user + system) / 1000 / results,
      mainThreadMsPerAnswer: (main.user + main.system) / 1000 / results,
    };
    await tellMeasurement(report, circumstances, options.record);
  });
} finally {
  await rm(folder, { recursive: true });
}
