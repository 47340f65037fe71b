import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openAuthority } from '#backend/enrolment/open-authority.ts';
import { withSite } from '#backend/site-folder.ts';
import { type PostgresCluster, startPostgres } from '#backend/testing/postgres-cluster.ts';
import { type CitySite, makeCitySite } from '#bench/city/city-site.ts';
import type { CityStoreKind } from '#bench/city/city-store.ts';
import { freePort } from '#demo/ports.ts';
import { untilReady } from '#demo/ready.ts';
import { changeSettings } from '#demo/settings.ts';
import { answers, listens } from '#runtime/probe.ts';
import { mountSmallDisk, type SmallDisk } from '#runtime/testing/small-disk.ts';
import { ChaosGateway } from './chaos-gateway.ts';
import { ChaosProcess } from './chaos-process.ts';
import { FaultyLink } from './faulty-link.ts';
import type { GatewaySettings } from './gateway-settings.ts';

export type WorldOptions = {
  readonly gateways: number;
  /** Answers a second and gateway. */
  readonly rate: number;
  readonly store: CityStoreKind;
  readonly signal: AbortSignal;
  readonly onProgress: (text: string, share: number) => void;
};

const CLI = join(import.meta.dirname, '..', '..', 'cli', 'main.ts');
/** Small enough to fill at once, large enough for a run. */
const DISK_MEGABYTES = { site: 96, gateway: 48 };
const OUTBOX_BYTES = 24 * 2 ** 20;
const DAY_MS = 86_400_000;
const LOOK_MS = 100;
const LIVE_MS = 120_000;

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
  /** By the names of the processes at whose side of the broker they are: `backend` and each gateway. */
  readonly links: Map<string, FaultyLink>;
  readonly processes: Map<string, ChaosProcess>;
  readonly gateways: Map<string, ChaosGateway>;
  /** `site` for backend and broker; none where this user may not mount. */
  readonly disks: Map<string, SmallDisk>;

  private constructor(parts: WorldParts & Pick<World, 'site' | 'brokerPort'>) {
    this.folder = parts.folder;
    this.site = parts.site;
    this.database = parts.database;
    this.brokerPort = parts.brokerPort;
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
    const { signal, rate } = options;
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
    for (const name of ['backend', ...site.gateways.map((one) => one.name)])
      links.set(name, await FaultyLink.open(name, () => brokerPort));
    await changeSettings(site.backendConfig, [
      [['broker', 'url'], `mqtts://127.0.0.1:${links.get('backend')!.port}`],
    ]);
    await writeAnswers(join(folder, 'answers'), site.answers);
    await writeExpired(site, join(folder, 'broker-certificates'));
    const daemon = (name: string, config: string) =>
      processes.set(
        name,
        new ChaosProcess({
          ...{ name, ...filesOf(folder, name) },
          arguments: () => [CLI, name, '--config', config],
        }),
      );
    daemon('broker', site.brokerConfig);
    daemon('backend', site.backendConfig);
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
    processes.get('broker')!.start();
    await untilReady('the broker', () => listens(brokerPort), filesOf(folder, 'broker').logFile, signal);
    processes.get('backend')!.start();
    const state = `http://127.0.0.1:${apiPort}/api/state`;
    await untilReady('the backend', () => answers(state), filesOf(folder, 'backend').logFile, signal);
    for (const gateway of gateways.values()) gateway.process.start();
    const world = new World({ ...parts, site, brokerPort });
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
    const { clockFile } = filesOf(this.folder, name);
    return readFileSync(`${clockFile}.off`, 'utf8').trim().split('\n').filter(Boolean).map(Number);
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
        const inAll = [...waiting.values()].reduce((sum, one) => sum + one, 0) + (await store.inbox.count());
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
