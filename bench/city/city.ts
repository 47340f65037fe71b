import { createPublicKey } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { withSite } from '#backend/site-folder.ts';
import type { SettledAnswer } from '#backend/store/feed.ts';
import { untilReady } from '#demo/ready.ts';
import { changeSettings } from '#demo/settings.ts';
import { readEnvelope, signedSchema, splitEnvelope } from '#protocol/envelope.ts';
import { createLogger } from '#runtime/log.ts';
import { freePort } from '#runtime/ports.ts';
import { answers } from '#runtime/probe.ts';
import { currentCommit, describeMachine } from '../machine.ts';
import { processorMs, residentBytes } from '../processor-time.ts';
import { quantile } from '../quantile.ts';
import { CityBackend } from './city-backend.ts';
import { type CityBroker, START_MS, startCityBroker } from './city-broker.ts';
import { planCity } from './city-plan.ts';
import { type CityQueue, type CityQueueKind, useCityQueue } from './city-queue.ts';
import type { CityReport, FloodReport } from './city-report.ts';
import { CITY_NETWORK, type CitySite, makeCitySite } from './city-site.ts';
import { type CityStore, type CityStoreKind, startCityStore } from './city-store.ts';
import { Fleet } from './fleet.ts';
import { Flooder } from './flooder.ts';
import { simulatedEnvelope } from './simulated-envelope.ts';

export type CityBenchOptions = {
  readonly gateways: number;
  /** Answers a second and gateway. */
  readonly rate: number;
  /** How long answers are offered. */
  readonly seconds: number;
  readonly broker: CityBroker;
  readonly store: CityStoreKind;
  /** Where envelopes wait; the inbox, the default, is in the store. */
  readonly queue?: CityQueueKind;
  /** Messages a second of one more gateway, which floods while all is measured a second time; 0 for none. */
  readonly flood?: number;
  /** Processes that decrypt beside the one with the other roles; 0, the default, for one process. */
  readonly decryptors?: number;
  readonly signal: AbortSignal;
  readonly onProgress: (text: string, share: number) => void;
};

/** Caches, compilers and keys are warm after it. */
const WARM_SECONDS = 5;
/** For answers to get through, and gateways to connect. */
const PATIENCE_SECONDS = 180;
const LOOK_MS = 200;
const VERIFICATIONS = 2000;
const log = createLogger({ name: 'city', level: 'error', format: 'json', destination: { write: () => {} } });

/**
 * Measures a site of many gateways on this machine: enrolled gateways with real ciphertexts and signatures of their own, TLS, broker, backend and store as processes. The gateways are
 * in this process, which takes its share of the cores; a broker that is restarted then takes all of them back at once.
 *
 * @throws BlindsightError DEMO_NOT_READY; the signal's reason; an Error where Mosquitto, NATS or PostgreSQL is not installed, or JetStream is asked for without NATS
 */
export async function benchCity(options: CityBenchOptions): Promise<CityReport> {
  const { signal, onProgress, flood = 0 } = options;
  if (options.queue === 'jetstream' && options.broker !== 'nats')
    throw new Error('a queue in JetStream needs NATS as the broker: --broker nats');
  const folder = await mkdtemp(join(tmpdir(), 'blindsight-city-'));
  const cleanUp: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true })];
  try {
    const store = await startCityStore(options.store, folder);
    cleanUp.unshift(() => store.stop());
    const apiPort = await freePort(0);
    const { postgresqlUrlFile } = store;
    const site = await makeCitySite(folder, {
      ...{ gateways: options.gateways + (flood > 0 ? 1 : 0), rate: options.rate, signal, onProgress },
      ...{ brokerPort: 8883, apiPort, ...(postgresqlUrlFile && { postgresqlUrlFile }) },
    });
    const broker = await startCityBroker(options.broker, site, folder, signal);
    cleanUp.unshift(() => broker.stop());
    const url = `mqtts://127.0.0.1:${broker.port}`;
    await changeSettings(site.backendConfig, [[['broker', 'url'], url]]);
    const queue = await useCityQueue(options.queue ?? 'inbox', site, [broker.clientPort ?? 0]);
    const backend = new CityBackend(site.backendConfig, folder, options, (text) => onProgress(text, 0));
    backend.start();
    cleanUp.unshift(() => backend.stop());
    const state = `http://127.0.0.1:${apiPort}/api/state`;
    await untilReady('the backend', () => answers(state), backend.logFile, signal, START_MS);
    onProgress('connecting', 0);
    const fleet = await Fleet.start(site.gateways.slice(0, options.gateways), url, log);
    cleanUp.unshift(() => fleet.close());
    await fleet.untilLive(PATIENCE_SECONDS, signal);
    const settled = () => untilSettled(fleet, site.data, queue, signal);
    await fleet.offer(site.answers, { ...options, seconds: WARM_SECONDS }, signal, (share) =>
      onProgress('warming up', share),
    );
    await settled();
    const measured = await measure(options, site, fleet, { broker, backend, store }, settled);
    const flooded = flood === 0 ? null : await measureFlood(options, site, fleet, url, settled);
    onProgress('restarting the broker', 0);
    await broker.restart();
    const connectSeconds = await fleet.untilLive(PATIENCE_SECONDS, signal);
    const report = {
      ...{ machine: describeMachine(), commit: await currentCommit(), network: CITY_NETWORK },
      ...{
        broker: options.broker,
        store: options.store,
        queue: options.queue ?? 'inbox',
        decryptors: options.decryptors ?? 0,
        ...measured,
        connectSeconds,
      },
      memoryMegabytes: { broker: residentBytes(broker.pid) / 1e6, backend: backend.residentBytes() / 1e6 },
      ...(flooded && {
        flood: { ...flooded, timesP99: flooded.latencyMs.p99 / Math.max(1, measured.latencyMs.p99) },
      }),
    };
    return { ...report, plan: planCity(report, availableParallelism()) };
  } finally {
    for (const undo of cleanUp) await undo();
  }
}

type Daemons = {
  readonly broker: { readonly pid?: number | undefined };
  readonly backend: CityBackend;
  readonly store: CityStore;
};
type Measured = Omit<
  CityReport,
  | 'machine'
  | 'commit'
  | 'network'
  | 'broker'
  | 'store'
  | 'queue'
  | 'decryptors'
  | 'connectSeconds'
  | 'memoryMegabytes'
  | 'plan'
  | 'flood'
>;
type Outcomes = Pick<Measured, 'offered' | 'stored' | 'lost' | 'twice' | 'latencyMs'>;

async function measure(
  { gateways, rate, seconds, signal, onProgress }: CityBenchOptions,
  site: CitySite,
  fleet: Fleet,
  { broker, backend, store }: Daemons,
  settled: () => Promise<void>,
): Promise<Measured> {
  const accounts = () => ({
    broker: processorMs(broker.pid),
    backend: backend.processorMs(),
    decrypt: backend.decryptMs(),
    store: store.processorMs(),
    disk: store.diskBytes(site.data),
  });
  const known = offeredSoFar(fleet);
  const bytesBefore = fleet.gateways.reduce((sum, one) => sum + one.bytes, 0);
  const before = accounts();
  const diskBefore = await before.disk;
  await fleet.offer(site.answers, { rate, seconds }, signal, (share) =>
    onProgress(`${gateways} gateways; without receipt: ${fleet.waiting}`, share),
  );
  await settled();
  const after = accounts();
  const outcomes = await readOutcomes(site, fleet, known);
  const { stored, offered } = outcomes;
  const perThousand = (ms: number) => ms / Math.max(1, stored);
  const verify = verifyMs(site);
  const decrypt = perThousand(after.decrypt - before.decrypt);
  const diskAfter = await after.disk;
  const bytes = fleet.gateways.reduce((sum, one) => sum + one.bytes, 0) - bytesBefore;
  return {
    ...{ gateways, rate, seconds, ...outcomes },
    cpuSecondsPerThousand: {
      broker: perThousand(after.broker - before.broker),
      ...{ verify, decrypt },
      store: perThousand(after.backend + after.store - before.backend - before.store) - decrypt - verify,
    },
    bytesPerAnswer: bytes / Math.max(1, offered),
    diskBytesPerAnswer: (diskAfter - diskBefore) / Math.max(1, stored),
  };
}

/** The same once more, while the gateway beyond those of the fleet floods. */
async function measureFlood(
  { rate, seconds, flood = 0, signal, onProgress }: CityBenchOptions,
  site: CitySite,
  fleet: Fleet,
  url: string,
  settled: () => Promise<void>,
): Promise<Omit<FloodReport, 'timesP99'>> {
  const flooder = new Flooder(site.gateways.at(-1)!, url, log);
  const stop = new AbortController();
  const flooding = flooder.run(flood, site.answers, stop.signal);
  try {
    const known = offeredSoFar(fleet);
    await fleet.offer(site.answers, { rate, seconds }, signal, (share) =>
      onProgress(`one floods: ${flooder.sent} messages`, share),
    );
    stop.abort();
    await flooding;
    await settled();
    const { offered, lost, latencyMs } = await readOutcomes(site, fleet, known);
    return { perSecond: flood, sent: flooder.sent, offered, lost, latencyMs };
  } finally {
    stop.abort();
    await flooder.close();
  }
}

const offeredSoFar = (fleet: Fleet): ReadonlyMap<string, number> =>
  new Map(fleet.gateways.map(({ name, offered }) => [name, offered.length]));

/** What became of the answers of a fleet that were offered since. */
async function readOutcomes(
  { data }: CitySite,
  fleet: Fleet,
  since: ReadonlyMap<string, number>,
): Promise<Outcomes> {
  const offered = fleet.gateways.flatMap(({ name, offered }) =>
    offered.slice(since.get(name)).map((place) => `${name}/${place}`),
  );
  const { settledAnswers, twice } = await readAnswers(data);
  const found = new Map(settledAnswers.map((one) => [`${one.gateway}/${one.session}/${one.sequence}`, one]));
  const latencies = offered.flatMap((place) => {
    const one = found.get(place);
    return one === undefined ? [] : [one.storedMs - one.frameMs];
  });
  const at = (share: number) => quantile(latencies, share);
  return {
    ...{ offered: offered.length, stored: latencies.length },
    ...{ lost: offered.length - latencies.length, twice },
    latencyMs: { median: at(0.5), p95: at(0.95), p99: at(0.99) },
  };
}

/** Waits until all that was offered has a receipt and nothing waits in the queue, or patience is over: what is missing then is lost. */
function untilSettled(fleet: Fleet, data: string, queue: CityQueue, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + 1000 * PATIENCE_SECONDS;
  return withSite(data, async ({ store }) => {
    while (performance.now() < deadline) {
      signal.throwIfAborted();
      // A queue that does not answer in time is not empty.
      if (fleet.waiting === 0 && (await queue.waiting(store).catch(() => 1)) === 0) return;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  });
}

/** All answers in the store, and how many more were counted there than it has. */
function readAnswers(data: string): Promise<{ settledAnswers: readonly SettledAnswer[]; twice: number }> {
  return withSite(data, async ({ store }) => {
    const { answers: settledAnswers } = await store.feed.storedBefore(Number.MAX_SAFE_INTEGER, 2 ** 31);
    const { accepted = 0, withheld = 0 } = await store.counters.all();
    return { settledAnswers, twice: accepted + withheld - settledAnswers.length };
  });
}

/** Time of one core to check the signature of an answer and to decode it, ms. */
function verifyMs({ answers, gateways }: CitySite): number {
  const gateway = gateways[0]!;
  const publicKey = createPublicKey(gateway.signingKey);
  const wires = answers.map((ciphertext, sequence) =>
    simulatedEnvelope(gateway, { session: 1, sequence }, 1, ciphertext),
  );
  const { user, system } = process.cpuUsage();
  for (let i = 0; i < VERIFICATIONS; i++) {
    const signed = splitEnvelope(wires[i % wires.length]!, 2 ** 20);
    readEnvelope(signed, signedSchema(signed, publicKey)!);
  }
  const used = process.cpuUsage();
  return (used.user + used.system - user - system) / 1000 / VERIFICATIONS;
}
