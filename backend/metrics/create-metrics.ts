import { statfs } from 'node:fs/promises';
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { SEVERITIES } from '#protocol/alert.ts';
import type { SiteState } from '#protocol/api.ts';
import { ROLLOUT_STATES } from '../store/rollouts.ts';
import type { Store } from '../store/store.ts';
import { isStoreTrouble } from '../store/store-trouble.ts';
import type { AnswerMetrics } from './answer-metrics.ts';
import { addStateGauges } from './state-gauges.ts';

export type MetricsSource = {
  readonly store: Pick<Store, 'counters' | 'inbox' | 'rollouts' | 'alerts' | 'deliveries' | 'certificates'>;
  readonly snapshot: () => Promise<SiteState>;
  readonly trouble: () => SiteState['trouble'] | null;
  /** Whether decryption has been stuck for long although work is waiting. */
  readonly isStuck: () => boolean;
  /** What was counted of answers; left out where nobody counts. */
  readonly answers?: AnswerMetrics;
  /** Whose disk matters. */
  readonly dataDirectory: string;
};

/** Of the default ones those that are gauges and yet end like counters. */
const MISNAMED = ['handles', 'requests', 'resources'].map((what) => `blindsight_nodejs_active_${what}_total`);

/** Values that the store cannot provide now are omitted; the others, and that there is trouble, are still reported. */
async function ifReadable<T>(read: () => Promise<T>): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    if (!isStoreTrouble(error)) throw error;
    return null;
  }
}

/** Prometheus metrics of the backend; values are read on request. */
export function createMetrics(source: MetricsSource): Registry {
  const { snapshot, trouble, isStuck, answers, dataDirectory } = source;
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'blindsight_' });
  for (const name of MISNAMED) registry.removeSingleMetric(name);
  const registers = [registry];
  addStored(registers, source);
  new Gauge({
    name: 'blindsight_decryption_stuck',
    help: '1 while nothing is decrypted although answers wait',
    registers,
    collect() {
      this.set(Number(isStuck()));
    },
  });
  new Gauge({
    name: 'blindsight_store_trouble',
    help: '1 while the store, or the queue beside it, cannot be used, by the code of the cause',
    labelNames: ['code'],
    registers,
    collect() {
      this.reset();
      const code = trouble()?.code;
      if (code !== undefined) this.set({ code }, 1);
    },
  });
  addDisk(registers, dataDirectory);
  const read = shared(() => ifReadable(snapshot));
  addStateGauges(registry, read);
  addCertificates(registers, source, read);
  answers?.register(registry, async () => (await read())?.cameras.map(({ camera }) => camera) ?? null);
  return registry;
}

/** One snapshot serves all metrics of a request: each waits for it, because they are written down in their order, and none may show the request before. */
function shared<T>(read: () => Promise<T>): () => Promise<T> {
  let reading: Promise<T> | null = null;
  return () => {
    reading ??= read().finally(() => {
      reading = null;
    });
    return reading;
  };
}

function addStored(registers: Registry[], { store }: MetricsSource): void {
  const envelopes = new Counter({
    name: 'blindsight_envelopes_total',
    help: 'Envelopes since the store was created, by outcome; refused ones by their reason',
    labelNames: ['outcome'],
    registers,
    async collect() {
      const all = await ifReadable(() => store.counters.all());
      if (all === null) return;
      envelopes.reset();
      for (const [outcome, value] of Object.entries(all)) envelopes.inc({ outcome }, value);
    },
  });
  new Gauge({
    name: 'blindsight_inbox_waiting',
    help: 'Envelopes that are stored but not processed yet',
    registers,
    async collect() {
      const count = await ifReadable(() => store.inbox.count());
      if (count !== null) this.set(count);
    },
  });
  new Gauge({
    name: 'blindsight_rollouts',
    help: 'Rollouts since the store was created, by state',
    labelNames: ['state'],
    registers,
    async collect() {
      const counts = await ifReadable(() => store.rollouts.counts());
      if (counts === null) return;
      for (const state of ROLLOUT_STATES) this.set({ state }, counts[state] ?? 0);
    },
  });
  new Gauge({
    name: 'blindsight_alerts_open',
    help: 'Alerts that last or that nobody has acknowledged, by severity',
    labelNames: ['severity'],
    registers,
    async collect() {
      const counts = await ifReadable(() => store.alerts.openBySeverity());
      if (counts === null) return;
      for (const severity of SEVERITIES) this.set({ severity }, counts[severity] ?? 0);
    },
  });
  new Gauge({
    name: 'blindsight_alert_deliveries_waiting',
    help: 'Messages about alerts that a channel has not taken yet',
    labelNames: ['channel'],
    registers,
    async collect() {
      const counts = await ifReadable(() => store.deliveries.counts());
      if (counts === null) return;
      this.reset();
      for (const { channel, waiting } of counts) this.set({ channel }, waiting);
    },
  });
}

function addDisk(registers: Registry[], folder: string): void {
  const figures = {
    disk_free_bytes: 'What is free for the backend on the disk of its data',
    disk_size_bytes: 'Size of the disk of its data',
  } as const;
  for (const [name, help] of Object.entries(figures))
    new Gauge({
      name: `blindsight_${name}`,
      help,
      registers,
      async collect() {
        const disk = await statfs(folder).catch(() => null);
        if (disk !== null) this.set((name === 'disk_free_bytes' ? disk.bavail : disk.blocks) * disk.bsize);
      },
    });
}

/** Of gateways the certificates that they show; of broker and backend what they show where it ends soon, else the newest that they were given. */
function addCertificates(
  registers: Registry[],
  { store }: MetricsSource,
  read: () => Promise<SiteState | null>,
): void {
  new Gauge({
    name: 'blindsight_certificate_expires_in_seconds',
    help: 'Until the certificate of a gateway, the broker or the backend expires, negative after that',
    labelNames: ['owner', 'name'],
    registers,
    async collect() {
      const state = await read();
      const known = await ifReadable(() => store.certificates.list());
      if (state === null || known === null) return;
      this.reset();
      const nowMs = Date.parse(state.time);
      const tell = (owner: string, name: string, endsMs: number) =>
        this.set({ owner, name }, (endsMs - nowMs) / 1000);
      for (const { name, certificateEnds } of state.gateways)
        if (certificateEnds !== null) tell('gateway', name, Date.parse(certificateEnds));
      for (const { kind, name, endsMs, revokedMs } of known.toSorted((a, b) => a.endsMs - b.endsMs))
        if ((kind === 'broker' || kind === 'backend') && revokedMs === null) tell(kind, name, endsMs);
      for (const { owner, name, ends } of state.endingCertificates) tell(owner, name, Date.parse(ends));
    },
  });
}
