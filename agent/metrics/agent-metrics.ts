import type { StatsFs } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { CAMERA_STATES } from '#protocol/messages.ts';
import type { Snapshot } from './snapshot.ts';

/** What a picture took, in milliseconds. */
export type PictureTimes = {
  readonly prepareMs: number;
  readonly encryptMs: number;
  readonly evaluateMs: number;
};

/** Upper bounds in seconds: from the smallest network on a desk to the largest on a small board. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
/** Of this prefix are all names. */
const PREFIX = 'blindsight_agent_';
const CAUSES = ['age', 'size', 'damage', 'disk', 'killed'] as const;

/** Figures of a gateway in the format of Prometheus; most are read when somebody asks. */
export class AgentMetrics {
  readonly snapshot: () => Snapshot;
  readonly #registry = new Registry();
  readonly #seconds: Histogram<'step'>;
  readonly #dropped: Counter<'cause'>;

  /** @param data the data folder, whose disk matters */
  constructor(snapshot: () => Snapshot, data: string) {
    this.snapshot = snapshot;
    const registers = [this.#registry];
    this.#seconds = new Histogram({
      name: `${PREFIX}picture_seconds`,
      help: 'What each answered picture took, by step',
      labelNames: ['step'],
      buckets: BUCKETS,
      registers,
    });
    this.#dropped = new Counter({
      name: `${PREFIX}dropped_total`,
      help: 'Answers that were lost before the backend had them, since the start, by cause',
      labelNames: ['cause'],
      registers,
    });
    for (const cause of CAUSES) this.#dropped.inc({ cause }, 0);
    for (const { name, help, read } of FIGURES) this.#gauge(name, help, () => read(snapshot()));
    this.#labeled(snapshot);
    this.#disk(data);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** @param totalMs from the picture to its stored answer */
  observe({ prepareMs, encryptMs, evaluateMs }: PictureTimes, totalMs: number): void {
    const steps = { prepare: prepareMs, encrypt: encryptMs, evaluate: evaluateMs, total: totalMs };
    for (const [step, ms] of Object.entries(steps)) this.#seconds.observe({ step }, Math.max(0, ms) / 1000);
  }

  dropped(count: number, cause: (typeof CAUSES)[number]): void {
    this.#dropped.inc({ cause }, count);
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  #gauge(name: string, help: string, read: () => number | null): void {
    new Gauge({
      name: `${PREFIX}${name}`,
      help,
      registers: [this.#registry],
      collect() {
        const value = read();
        if (value === null) this.remove();
        else this.set(value);
      },
    });
  }

  #labeled(snapshot: () => Snapshot): void {
    const registers = [this.#registry];
    new Gauge({
      name: `${PREFIX}info`,
      help: 'The software that runs; always 1',
      labelNames: ['site', 'gateway', 'version', 'platform'],
      registers,
      collect() {
        const { site, gateway, version } = snapshot();
        this.set({ site, gateway, version, platform: `${process.platform}-${process.arch}` }, 1);
      },
    });
    new Gauge({
      name: `${PREFIX}bundle_info`,
      help: 'Each encrypted network that runs, the default one without its name, and what became of its newest release; always 1',
      labelNames: ['network', 'digest', 'status'],
      registers,
      collect() {
        const { bundle, networks = [] } = snapshot().reported;
        this.reset();
        this.set({ digest: bundle.active ?? '', status: bundle.status }, 1);
        for (const { network, active, status } of networks)
          this.set({ network, digest: active ?? '', status }, 1);
      },
    });
    new Gauge({
      name: `${PREFIX}cameras`,
      help: 'Cameras by state',
      labelNames: ['state'],
      registers,
      collect() {
        const { cameras } = snapshot();
        for (const state of CAMERA_STATES)
          this.set({ state }, cameras.filter((camera) => camera.state === state).length);
      },
    });
    new Gauge({
      name: `${PREFIX}camera_streaming`,
      help: '1 while a camera sends pictures',
      labelNames: ['camera'],
      registers,
      collect() {
        this.reset();
        for (const { camera, state } of snapshot().cameras)
          this.set({ camera }, state === 'streaming' ? 1 : 0);
      },
    });
    const pictures = new Counter({
      name: `${PREFIX}pictures_total`,
      help: 'Pictures since the start, by what became of them',
      labelNames: ['fate'],
      registers,
      collect() {
        const { superseded, answered, failed } = snapshot().pictures;
        pictures.reset();
        for (const [fate, count] of Object.entries({ superseded, answered, failed }))
          pictures.inc({ fate }, count);
      },
    });
    const openings = new Counter({
      name: `${PREFIX}openings_total`,
      help: 'Openings since the start: removed before their time, or asked for and not there',
      labelNames: ['fate'],
      registers,
      collect() {
        const { dropped, missing } = snapshot().openings;
        openings.reset();
        for (const [fate, count] of Object.entries({ dropped, missing })) openings.inc({ fate }, count);
      },
    });
    const challenges = new Counter({
      name: `${PREFIX}challenges_total`,
      help: 'Challenges to open answers since the start; ignored ones came too fast',
      labelNames: ['fate'],
      registers,
      collect() {
        const { answered, ignored } = snapshot().openings;
        challenges.reset();
        for (const [fate, count] of Object.entries({ answered, ignored })) challenges.inc({ fate }, count);
      },
    });
    const lost = new Counter({
      name: `${PREFIX}outbox_dropped_total`,
      help: 'Answers that were ever lost on this gateway, also before the start',
      registers,
      collect() {
        lost.reset();
        lost.inc(snapshot().outbox.dropped);
      },
    });
    const captured = new Counter({
      name: `${PREFIX}pictures_captured_total`,
      help: 'Pictures that cameras sent since the start',
      registers,
      collect() {
        captured.reset();
        captured.inc(snapshot().pictures.captured);
      },
    });
  }

  #disk(data: string): void {
    const read = {
      disk_free_bytes: {
        help: 'What is free for us on the disk of the data folder',
        of: ({ bavail, bsize }: StatsFs) => bavail * bsize,
      },
      disk_size_bytes: {
        help: 'Size of the disk of the data folder',
        of: ({ blocks, bsize }: StatsFs) => blocks * bsize,
      },
    };
    for (const [name, { help, of }] of Object.entries(read))
      new Gauge({
        name: `${PREFIX}${name}`,
        help,
        registers: [this.#registry],
        async collect() {
          const disk = await statfs(data).catch(() => null);
          if (disk !== null) this.set(of(disk));
        },
      });
  }
}

type Figure = {
  readonly name: string;
  readonly help: string;
  readonly read: (snapshot: Snapshot) => number | null;
};

const FIGURES: readonly Figure[] = [
  {
    name: 'link_up',
    help: '1 while there is a connection to the broker',
    read: ({ isLinkUp }) => Number(isLinkUp),
  },
  {
    name: 'backend_up',
    help: '1 while the backend takes answers',
    read: ({ obstacle }) => Number(obstacle === null),
  },
  { name: 'network_running', help: '1 while a network runs', read: ({ isRunning }) => Number(isRunning) },
  {
    name: 'release',
    help: 'Highest release counter of a network ever accepted',
    read: ({ reported }) => reported.bundle.counter,
  },
  {
    name: 'configuration_version',
    help: 'Version of the pushed settings that run; 0 for the file on the gateway',
    read: ({ reported }) => reported.configuration?.running ?? null,
  },
  {
    name: 'outbox_answers',
    help: 'Answers that wait for the backend',
    read: ({ outbox }) => outbox.waiting,
  },
  {
    name: 'outbox_bytes',
    help: 'Bytes on disk of the answers that wait for the backend',
    read: ({ outbox }) => outbox.bytes,
  },
  {
    name: 'outbox_oldest_seconds',
    help: 'Age of the oldest answer that waits for the backend',
    read: ({ outbox }) => outbox.oldestSeconds,
  },
  {
    name: 'openings',
    help: 'Openings of answers that are kept for an auditor',
    read: ({ openings }) => openings.kept,
  },
  {
    name: 'openings_bytes',
    help: 'Bytes of the openings that are kept for an auditor',
    read: ({ openings }) => openings.bytes,
  },
  {
    name: 'stuck_seconds',
    help: 'How long no picture was finished although there was one',
    read: ({ stuckMs }) => stuckMs / 1000,
  },
  {
    name: 'certificate_expires_in_seconds',
    help: 'Until the certificate of the gateway expires, negative after that',
    read: ({ certificateEndMs, nowMs }) =>
      certificateEndMs === null ? null : (certificateEndMs - nowMs) / 1000,
  },
  {
    name: 'process_resident_memory_bytes',
    help: 'Memory of the process',
    read: () => process.memoryUsage.rss(),
  },
  {
    name: 'process_start_time_seconds',
    help: 'When the process started, seconds since the epoch',
    read: ({ nowMs }) => nowMs / 1000 - process.uptime(),
  },
];
