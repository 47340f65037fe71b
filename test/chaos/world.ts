import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openAuthority } from '#backend/enrolment/open-authority.ts';
import { withSite } from '#backend/site-folder.ts';
import { type PostgresCluster, startPostgres } from '#backend/testing/postgres-cluster.ts';
import { type CityQueue, type CityQueueKind, useCityQueue } from '#bench/city/city-queue.ts';
import { type CitySite, makeCitySite } from '#bench/city/city-site.ts';
import type { CityStoreKind } from '#bench/city/city-store.ts';
import { untilReady } from '#demo/ready.ts';
import { changeSettings } from '#demo/settings.ts';
import { freePort } from '#runtime/ports.ts';
import { answers, listens } from '#runtime/probe.ts';
import { mountSmallDisk, type SmallDisk } from '#runtime/testing/small-disk.ts';
import { ChaosGateway } from './chaos-gateway.ts';
import { ChaosProcess } from './chaos-process.ts';
import { FaultyLink } from './faulty-link.ts';
import type { GatewaySettings } from './gateway-settings.ts';
import type { Targets } from './kind.ts';
import { makeNatsServers } from './nats-servers.ts';

export type ChaosBroker = 'aedes' | 'nats';

export type WorldOptions = {
  readonly gateways: number;
  /** Answers a second and gateway. */
  readonly rate: number;
  readonly store: CityStoreKind;
  /** Ours, with one process for all of the backend; or three servers of NATS, and decryptors beside the rest of the backend, which needs PostgreSQL. */
  readonly broker: ChaosBroker;
  /** Where answers wait with NATS: in the database where left out. */
  readonly queue?: CityQueueKind;
  readonly signal: AbortSignal;
  readonly onProgress: (text: string, share: number) => void;
};

const CLI = join(import.meta.dirname, '..', '..', 'cli', 'main.ts');
/** Small enough to fill at once, large enough for a run. */
const DISK_MEGABYTES = { site: 96, gateway: 48 };
/** Beside the process with the other roles, where NATS is the broker. */
const DECRYPTORS = ['decryptor-1', 'decryptor-2'];
const SPARE = 'decryptor-3';
const OUTBOX_BYTES = 24 * 2 ** 20;
const DAY_MS = 86_400_000;
const LOOK_MS = 100;
const LIVE_MS = 240_000;

/** What has to be ended or removed. */
type WorldParts = {
  readonly folder: string;
  readonly database: PostgresCluster | null;
  readonly links: Map<string, FaultyLink>;
  readonly processes: Map<string, ChaosProcess>;
  readonly gateways: Map<string, ChaosGateway>;
  readonly disks: Map<string, SmallDisk>;
};

/** A small site whose parts can be hurt: broker, backend and gateways as processes, links between them, and disks and clocks of their own. */
export class World {
  readonly folder: string;
  readonly site: CitySite;
  /** Where the site does not keep its own. */
  readonly database: PostgresCluster | null;
  readonly brokerPort: number;
  /** What may be hurt, by what it is. */
  readonly targets: Targets;
  /** Whose files are on the disk `site`. */
  readonly onSiteDisk: readonly string[];
  /** The file of the certificate that the broker shows. */
  readonly brokerCertificate: string;
  /** A decryptor that comes only when it is let go. */
  readonly spare: ChaosProcess | null;
  readonly queue: CityQueue;
  /** By the names of the processes at whose side of the broker they are: `backend` and each gateway; `queue-1` and so on to servers of the queue. */
  readonly links: Map<string, FaultyLink>;
  readonly processes: Map<string, ChaosProcess>;
  readonly gateways: Map<string, ChaosGateway>;
  /** `site` for backend and broker; none where this user may not mount. */
  readonly disks: Map<string, SmallDisk>;

  private constructor(parts: WorldParts & Pick<World, 'site'> & { readonly broker: Brokers }) {
    const { broker, queue, ports, certificate, backend } = parts.broker;
    const links = [...parts.links.keys()].filter((name) => !parts.gateways.has(name));
    this.targets = {
      ...{ broker, backend, decryptor: backend.filter((name) => DECRYPTORS.includes(name)) },
      ...{ gateway: [...parts.gateways.keys()], link: links, site: ['site'] },
    };
    this.onSiteDisk = broker.length > 1 ? backend : [...backend, ...broker];
    this.brokerCertificate = certificate;
    this.spare = parts.processes.get(SPARE) ?? null;
    this.queue = queue;
    this.brokerPort = ports[0]!;
    this.folder = parts.folder;
    this.site = parts.site;
    this.database = parts.database;
    this.links = parts.links;
    this.processes = parts.processes;
    this.gateways = parts.gateways;
    this.disks = parts.disks;
  }

  /** @throws the signal's reason; an Error where it does not start. Nothing of it is left then. */
  static async open(options: WorldOptions): Promise<World> {
    const empty = { links: new Map(), processes: new Map(), gateways: new Map(), disks: new Map() };
    const database = options.store === 'sqlite' ? null : await startPostgres(undefined, { durable: true });
    let parts: WorldParts | null = null;
    try {
      parts = { folder: await mkdtemp(join(tmpdir(), 'blindsight-chaos-')), database, ...empty };
      return await World.#start(options, parts);
    } catch (error) {
      if (parts === null) await database?.stop();
      else await closeParts(parts, false);
      throw error;
    }
  }

  static async #start(options: WorldOptions, parts: WorldParts): Promise<World> {
    const { signal, rate, broker, queue = 'inbox' } = options;
    const { folder, database, links, processes, gateways, disks } = parts;
    const mount = async (name: string, megabytes: number, at: string) => {
      await mkdir(at, { recursive: true, mode: 0o700 });
      const disk = mountSmallDisk(megabytes, at);
      if (disk !== null) disks.set(name, disk);
    };
    await mount('site', DISK_MEGABYTES.site, join(folder, 'site'));
    const postgresqlUrlFile = join(folder, 'postgresql.url');
    if (database !== null)
      await writeFile(postgresqlUrlFile, await database.createDatabase(), { mode: 0o600 });
    const [brokerPort, apiPort] = [await freePort(0), await freePort(0)];
    const site = await makeCitySite(folder, {
      // Answers that waited are about the minute in which they were made, and none may be one too many.
      ...{ ...options, rate: 4 * rate, brokerPort, apiPort },
      ...(database !== null && { postgresqlUrlFile }),
    });
    await writeAnswers(join(folder, 'answers'), site.answers);
    await writeExpired(site, join(folder, 'broker-certificates'));
    const brokers =
      broker === 'nats' ? await addNats(site, parts, queue) : await addEmbedded(site, parts, brokerPort);
    let turn = 0;
    // As a balancer of connections that does not know who is there.
    const next = () => brokers.ports[turn++ % brokers.ports.length]!;
    for (const name of ['backend', ...site.gateways.map((one) => one.name)])
      links.set(name, await FaultyLink.open(name, next));
    await changeSettings(site.backendConfig, [
      [['broker', 'url'], `mqtts://127.0.0.1:${links.get('backend')!.port}`],
    ]);
    for (const { name, site: siteName, bundle, folder: own } of site.gateways) {
      await mount(name, DISK_MEGABYTES.gateway, join(own, 'data'));
      const url = `mqtts://127.0.0.1:${links.get(name)!.port}`;
      const settings: GatewaySettings = {
        ...{ site: siteName, name, bundle, url, rate, outboxBytes: OUTBOX_BYTES },
      };
      await writeFile(join(own, 'chaos.json'), JSON.stringify(settings));
      const gateway = new ChaosGateway(own, { name, ...filesOf(folder, name) });
      gateways.set(name, gateway);
      processes.set(name, gateway.process);
    }
    for (const [i, name] of brokers.broker.entries()) {
      processes.get(name)!.start();
      const port = brokers.ports[i]!;
      await untilReady('the broker', () => listens(port), filesOf(folder, name).logFile, signal, LIVE_MS);
    }
    for (const name of brokers.backend) processes.get(name)!.start();
    await processes.get(SPARE)?.hold();
    const state = `http://127.0.0.1:${apiPort}/api/state`;
    await untilReady(
      'the backend',
      () => answers(state),
      filesOf(folder, 'backend').logFile,
      signal,
      LIVE_MS,
    );
    for (const gateway of gateways.values()) gateway.process.start();
    const world = new World({ ...parts, site, broker: brokers });
    await world.untilLive(signal);
    return world;
  }

  get logs(): string {
    return join(this.folder, 'logs');
  }

  /** Makes the wall clock of a process wrong, by so many milliseconds. */
  setClock(name: string, shiftMs: number): void {
    const { clockFile } = filesOf(this.folder, name);
    // In one piece: a reader must not see half of a number.
    writeFileSync(`${clockFile}.new`, String(shiftMs));
    renameSync(`${clockFile}.new`, clockFile);
  }

  /** Moments at which a process found its clock far off, by the right one. */
  clockOffMs(name: string): readonly number[] {
    const file = `${filesOf(this.folder, name).clockFile}.off`;
    const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
    return text.trim().split('\n').filter(Boolean).map(Number);
  }

  /** Undoes all that may be left of faults. */
  heal(): void {
    for (const link of this.links.values()) link.heal();
    for (const process of this.processes.values()) process.signal('SIGCONT');
    for (const name of this.processes.keys()) this.setClock(name, 0);
    for (const gateway of this.gateways.values()) gateway.tell({ delivery: 'once' });
  }

  /** Waits until all gateways may send. */
  async untilLive(signal: AbortSignal): Promise<void> {
    const deadline = performance.now() + LIVE_MS;
    const isLive = () => [...this.gateways.values()].every(({ status }) => status?.isLive);
    while (!isLive()) {
      signal.throwIfAborted();
      if (performance.now() > deadline) throw new Error(`no gateway may send; logs are in ${this.logs}`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  /** Waits until nothing waits anywhere, or patience is over. @returns what still waits, by gateway */
  async untilDrained(patienceMs: number, signal: AbortSignal): Promise<ReadonlyMap<string, number>> {
    const deadline = performance.now() + patienceMs;
    const waiting = new Map<string, number>();
    return withSite(this.site.data, async ({ store }) => {
      for (;;) {
        signal.throwIfAborted();
        const sinceMs = performance.now();
        for (const gateway of this.gateways.values()) gateway.tell({ making: false });
        await new Promise((resolve) => setTimeout(resolve, 5 * LOOK_MS));
        for (const [name, { status, statusMs }] of this.gateways)
          waiting.set(name, status === null || status.isMaking || statusMs < sinceMs ? 1 : status.waiting);
        const inQueue = await this.queue.waiting(store).catch(() => 1);
        const inAll = [...waiting.values()].reduce((sum, one) => sum + one, 0) + inQueue;
        if (inAll === 0 || performance.now() > deadline) return waiting;
      }
    });
  }

  close(keepFolder: boolean): Promise<void> {
    return closeParts(this, keepFolder);
  }
}

async function closeParts(parts: WorldParts, keepFolder: boolean): Promise<void> {
  for (const process of [...parts.processes.values()].reverse()) await process.close();
  for (const link of parts.links.values()) await link.close();
  await parts.database?.stop();
  if (keepFolder) return;
  for (const disk of parts.disks.values()) disk.unmount();
  await rm(parts.folder, { recursive: true, maxRetries: 5 });
}

/** What carries and keeps answers, and who works on them. */
type Brokers = {
  /** Names of processes, and where each takes MQTT. */
  readonly broker: readonly string[];
  readonly ports: readonly number[];
  readonly certificate: string;
  readonly backend: readonly string[];
  readonly queue: CityQueue;
};

function addDaemon({ folder, processes }: WorldParts, name: string, given: readonly string[]): void {
  const files = filesOf(folder, name);
  processes.set(name, new ChaosProcess({ name, ...files, arguments: () => [CLI, ...given] }));
}

async function addEmbedded(site: CitySite, parts: WorldParts, port: number): Promise<Brokers> {
  addDaemon(parts, 'broker', ['broker', '--config', site.brokerConfig]);
  addDaemon(parts, 'backend', ['backend', '--config', site.backendConfig]);
  return {
    ...{ broker: ['broker'], ports: [port], backend: ['backend'] },
    certificate: join(site.data, 'certificates', 'broker.pem'),
    queue: await useCityQueue('inbox', site, []),
  };
}

async function addNats(site: CitySite, parts: WorldParts, queue: CityQueueKind): Promise<Brokers> {
  const { folder, processes, links } = parts;
  const servers = await makeNatsServers(site, join(folder, 'nats'), (name) => filesOf(folder, name));
  for (const one of servers.processes) processes.set(one.name, one);
  const toQueue: number[] = [];
  for (const [i, port] of servers.clientPorts.entries()) {
    const link = await FaultyLink.open(`queue-${i + 1}`, () => port);
    links.set(link.name, link);
    toQueue.push(link.port);
  }
  const backend = (name: string, roles: readonly string[]) =>
    addDaemon(parts, name, [
      ...['backend', '--config', site.backendConfig],
      ...roles.flatMap((role) => ['--role', role]),
    ]);
  backend('backend', ['api', 'deployer', 'auditor']);
  for (const name of [...DECRYPTORS, SPARE]) backend(name, ['decryptor']);
  return {
    broker: servers.processes.map(({ name }) => name),
    ...{ ports: servers.ports, certificate: servers.certificate, backend: ['backend', ...DECRYPTORS] },
    queue: await useCityQueue(queue, site, toQueue),
  };
}

function filesOf(folder: string, name: string) {
  return { logFile: join(folder, 'logs', `${name}.log`), clockFile: join(folder, 'logs', `${name}.clock`) };
}

async function writeAnswers(folder: string, list: readonly Uint8Array[]): Promise<void> {
  await mkdir(folder);
  await mkdir(join(folder, '..', 'logs'));
  for (const [i, answer] of list.entries()) await writeFile(join(folder, `${i}.bin`), answer);
}

/** For the broker and for each gateway a certificate that was valid until yesterday. */
async function writeExpired({ data, gateways }: CitySite, ofBroker: string): Promise<void> {
  const past = { days: 1, fromMs: Date.now() - 3 * DAY_MS };
  await mkdir(ofBroker);
  const certificate = await readFile(join(data, 'certificates', 'broker.pem'), 'utf8');
  await withSite(data, async ({ store, vault }) => {
    const authority = await openAuthority(store, vault);
    for (const { name, folder } of gateways) {
      const issued = await authority.issue({ ...past, kind: 'gateway', commonName: name });
      await writeFile(join(folder, 'expired.pem'), issued.certificate);
      await writeFile(join(folder, 'expired.key'), issued.key, { mode: 0o600 });
    }
    const expired = await authority.renew({ ...past, kind: 'broker', commonName: 'broker', certificate });
    await writeFile(join(ofBroker, 'expired.pem'), expired);
    await writeFile(join(ofBroker, 'valid.pem'), certificate);
  });
}
