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
  const broker = new Gauge({
    name: 'blindsight_broker_connected',
    help: '1 while the backend is connected to its broker',
    registers,
  });
  const quarantined = new Gauge({
    name: 'blindsight_gateway_quarantined',
    help: '1 while answers of the gateway are not decrypted',
    labelNames: ['gateway'],
    registers,
  });
  const held = new Gauge({
    name: 'blindsight_gateway_held',
    help: 'Answers kept undecrypted because the gateway is or was in quarantine',
    labelNames: ['gateway'],
    registers,
  });
  const certificate = certificateDays(registers);
  const unusual = new Gauge({
    name: 'blindsight_camera_unusual',
    help: '1 while the camera or a region of it shows something the network was not trained for',
    labelNames: ['camera'],
    registers,
  });
  new Gauge({
    name: 'blindsight_gateway_online',
    help: '1 while the gateway reports that it is online',
    labelNames: ['gateway'],
    registers,
    async collect() {
      const state = await snapshot().catch((error: unknown) => {
        if (isStoreTrouble(error)) return null;
        throw error;
      });
      if (state === null) return;
      broker.set(state.broker.connected ? 1 : 0);
      for (const gateway of state.gateways) {
        this.set({ gateway: gateway.name }, gateway.state === 'online' ? 1 : 0);
        quarantined.set({ gateway: gateway.name }, gateway.quarantine === null ? 0 : 1);
        held.set({ gateway: gateway.name }, gateway.held.answers);
        certificate(gateway, Date.parse(state.time));
      }
      for (const { camera, unusual: where } of state.cameras)
        unusual.set({ camera }, where.length === 0 ? 0 : 1);
    },
  });
  return registry;
}

/** How soon the certificate of each gateway ends. @returns what takes a gateway into account */
function certificateDays(registers: Registry[]): (gateway: GatewayView, nowMs: number) => void {
  const days = new Gauge({
    name: 'blindsight_gateway_certificate_days',
    help: 'Days until the certificate of the gateway ends, negative afterwards',
    labelNames: ['gateway'],
    registers,
  });
  return ({ name, certificateEnds }, nowMs) => {
    if (certificateEnds !== null)
      days.set({ gateway: name }, Math.floor((Date.parse(certificateEnds) - nowMs) / DAY_MS));
  };
}
