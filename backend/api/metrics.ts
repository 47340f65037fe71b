import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { GatewayView, SiteState } from '#protocol/api.ts';
import { ROLLOUT_STATES } from '../store/rollouts.ts';
import type { Store } from '../store/store.ts';
import { isStoreTrouble } from '../store/store-trouble.ts';

export type MetricsSource = {
  readonly store: Pick<Store, 'counters' | 'inbox' | 'rollouts'>;
  readonly snapshot: () => Promise<SiteState>;
  readonly trouble: () => SiteState['trouble'] | null;
};

const DAY_MS = 24 * 3_600_000;
const AUDIT_VERDICTS = ['equal', 'unequal', 'missing'] as const;

type Label = 'gateway' | 'camera' | 'verdict';

/** Values that the store cannot provide now are omitted; the others, and that there is trouble, are still reported. */
async function ifReadable(read: () => Promise<void>): Promise<void> {
  try {
    await read();
  } catch (error) {
    if (!isStoreTrouble(error)) throw error;
  }
}

/** Prometheus metrics of the backend; values are read on request. */
export function createMetrics({ store, snapshot, trouble }: MetricsSource): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'blindsight_' });
  const registers = [registry];
  new Gauge({
    name: 'blindsight_envelopes',
    help: 'Envelopes since the store was created, by outcome',
    labelNames: ['outcome'],
    registers,
    async collect() {
      await ifReadable(async () => {
        for (const [outcome, value] of Object.entries(await store.counters.all()))
          this.set({ outcome }, value);
      });
    },
  });
  new Gauge({
    name: 'blindsight_inbox_waiting',
    help: 'Envelopes that are stored but not processed yet',
    registers,
    async collect() {
      await ifReadable(async () => this.set(await store.inbox.count()));
    },
  });
  new Gauge({
    name: 'blindsight_rollouts',
    help: 'Rollouts since the store was created, by state',
    labelNames: ['state'],
    registers,
    async collect() {
      await ifReadable(async () => {
        const counts = await store.rollouts.counts();
        for (const state of ROLLOUT_STATES) this.set({ state }, counts[state] ?? 0);
      });
    },
  });
  new Gauge({
    name: 'blindsight_store_trouble',
    help: '1 while the store cannot be used, by the code of the cause',
    labelNames: ['code'],
    registers,
    collect() {
      this.reset();
      const code = trouble()?.code;
      if (code !== undefined) this.set({ code }, 1);
    },
  });
  addStateGauges(registers, snapshot);
  return registry;
}

/**
 * What the state of the site tells. One snapshot serves all gauges of a request: each waits for it, because they are written down in their order, and none may show the
 * request before.
 */
function addStateGauges(registers: Registry[], snapshot: () => Promise<SiteState>): void {
  let reading: Promise<SiteState | null> | null = null;
  const read = () => {
    reading ??= snapshot()
      .catch((error: unknown) => {
        if (isStoreTrouble(error)) return null;
        throw error;
      })
      .finally(() => {
        reading = null;
      });
    return reading;
  };
  const add = (
    name: string,
    help: string,
    labelNames: readonly Label[],
    set: (gauge: Gauge<Label>, state: SiteState) => void,
  ) =>
    new Gauge({
      ...{ name: `blindsight_${name}`, help, labelNames: [...labelNames], registers },
      async collect() {
        const state = await read();
        if (state === null) return;
        // Of a gateway or camera that is gone nothing stays.
        if (labelNames.length > 0) this.reset();
        set(this, state);
      },
    });
  const ofGateways = (
    name: string,
    help: string,
    value: (gateway: GatewayView, nowMs: number) => number | null,
  ) =>
    add(name, help, ['gateway'], (gauge, { gateways, time }) => {
      for (const gateway of gateways) {
        const told = value(gateway, Date.parse(time));
        if (told !== null) gauge.set({ gateway: gateway.name }, told);
      }
    });

  add('broker_connected', '1 while the backend is connected to its broker', [], (gauge, { broker }) =>
    gauge.set(broker.connected ? 1 : 0),
  );
  ofGateways('gateway_quarantined', '1 while answers of the gateway are not decrypted', ({ quarantine }) =>
    quarantine === null ? 0 : 1,
  );
  ofGateways(
    'gateway_key_told',
    'Share of the bits of its key that answers of the gateway may have told; at 0.5 it is replaced',
    ({ leak }) => (leak === null ? null : leak.bits / leak.keyBits),
  );
  ofGateways(
    'gateway_held',
    'Answers kept undecrypted because the gateway is or was in quarantine, or waits for an audit',
    ({ held }) => held.answers,
  );
  ofGateways(
    'gateway_certificate_days',
    'Days until the certificate of the gateway ends, negative afterwards',
    ({ certificateEnds }, nowMs) =>
      certificateEnds === null ? null : Math.floor((Date.parse(certificateEnds) - nowMs) / DAY_MS),
  );
  ofGateways('gateway_online', '1 while the gateway reports that it is online', ({ state }) =>
    state === 'online' ? 1 : 0,
  );
  add(
    'audits_total',
    'Answers of the gateway that were audited, by verdict',
    ['gateway', 'verdict'],
    (gauge, { gateways }) => {
      for (const { name: gateway, audit } of gateways)
        for (const verdict of AUDIT_VERDICTS) gauge.set({ gateway, verdict }, audit[verdict]);
    },
  );
  add(
    'audits_waiting',
    'Answers that were chosen for an audit and have no verdict yet',
    ['gateway'],
    (gauge, { gateways }) => {
      for (const { name: gateway, audit } of gateways) gauge.set({ gateway }, audit.waiting);
    },
  );
  add(
    'audits_undone',
    'Answers of them whose audit failed for a reason of the site and not of the gateway; it is tried again',
    ['gateway'],
    (gauge, { gateways }) => {
      for (const { name: gateway, audit } of gateways) gauge.set({ gateway }, audit.undone);
    },
  );
  add(
    'camera_unusual',
    '1 while the camera or a region of it shows something the network was not trained for',
    ['camera'],
    (gauge, { cameras }) => {
      for (const { camera, unusual } of cameras) gauge.set({ camera }, unusual.length === 0 ? 0 : 1);
    },
  );
}
