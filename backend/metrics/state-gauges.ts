import { Counter, Gauge, type Registry } from 'prom-client';
import type { GatewayView, SiteState } from '#protocol/api.ts';
import { CAMERA_STATES } from '#protocol/messages.ts';

const AUDIT_VERDICTS = ['equal', 'unequal', 'missing'] as const;

type Label = 'gateway' | 'camera' | 'verdict' | 'state' | 'cause';
type Tell = (labels: Partial<Record<Label, string>>, value: number) => void;
type Told = {
  /** Without `blindsight_`. */
  readonly name: string;
  readonly help: string;
  readonly labels: readonly Label[];
  readonly tell: (set: Tell, state: SiteState) => void;
};

/** What the state of the site tells. Of a gateway or camera that is gone nothing stays. */
export function addStateGauges(registry: Registry, read: () => Promise<SiteState | null>): void {
  for (const { name, help, labels, tell } of TOLD) {
    const collect = async () => {
      const state = await read();
      if (state === null) return;
      metric.reset();
      tell((given, value) => metric.inc(given, value), state);
    };
    const settings = { help, labelNames: [...labels], registers: [registry], collect };
    const metric: Gauge<Label> | Counter<Label> = name.endsWith('_total')
      ? new Counter({ name: `blindsight_${name}`, ...settings })
      : new Gauge({ name: `blindsight_${name}`, ...settings });
  }
}

function ofGateways(
  name: string,
  help: string,
  value: (gateway: GatewayView, nowMs: number) => number | null | undefined,
): Told {
  return {
    ...{ name, help, labels: ['gateway'] },
    tell: (set, { gateways, time }) => {
      for (const gateway of gateways) {
        const told = value(gateway, Date.parse(time));
        if (told !== null && told !== undefined) set({ gateway: gateway.name }, told);
      }
    },
  };
}

const TOLD: readonly Told[] = [
  {
    ...{ name: 'broker_connected', help: '1 while the backend is connected to its broker', labels: [] },
    tell: (set, { broker }) => set({}, Number(broker.connected)),
  },
  ofGateways('gateway_online', '1 while the gateway reports that it is online', ({ state }) =>
    Number(state === 'online'),
  ),
  ofGateways('gateway_quarantined', '1 while answers of the gateway are not decrypted', ({ quarantine }) =>
    Number(quarantine !== null),
  ),
  ofGateways(
    'gateway_key_told_ratio',
    'Share of the bits of its key that answers of the gateway may have told; at 0.5 it is replaced',
    ({ leak }) => (leak === null ? null : leak.bits / leak.keyBits),
  ),
  ofGateways(
    'gateway_held_answers',
    'Answers kept undecrypted because the gateway is or was in quarantine, or waits for an audit',
    ({ held }) => held.answers,
  ),
  ofGateways(
    'gateway_outbox_answers',
    'Answers that wait on the gateway',
    ({ health }) => health?.outbox.waiting,
  ),
  ofGateways(
    'gateway_outbox_bytes',
    'Bytes of the answers that wait on the gateway',
    ({ health }) => health?.outbox.bytes,
  ),
  ofGateways(
    'gateway_outbox_oldest_seconds',
    'Age of the oldest answer that waits on the gateway',
    ({ health }) => health?.outbox.oldestSeconds,
  ),
  ofGateways('gateway_disk_free_ratio', 'Share of the disk of the gateway that is free', ({ health }) =>
    health?.diskFreePercent == null ? null : health.diskFreePercent / 100,
  ),
  ofGateways(
    'gateway_clock_offset_seconds',
    'How far the clock of the gateway is ahead, negative if behind',
    ({ clockOffsetMs }) => (clockOffsetMs === null ? null : clockOffsetMs / 1000),
  ),
  {
    name: 'answers_lost_total',
    help: 'Answers that will never be opened: dropped from the outbox of their gateway, or from what is kept of a gateway in quarantine',
    labels: ['gateway', 'cause'],
    tell: (set, { gateways }) => {
      for (const { name: gateway, health, held } of gateways) {
        if (health !== null) set({ gateway, cause: 'outbox' }, health.outbox.dropped);
        set({ gateway, cause: 'quarantine' }, held.dropped);
      }
    },
  },
  {
    name: 'audits_total',
    help: 'Answers of the gateway that were audited, by verdict',
    labels: ['gateway', 'verdict'],
    tell: (set, { gateways }) => {
      for (const { name: gateway, audit } of gateways)
        for (const verdict of AUDIT_VERDICTS) set({ gateway, verdict }, audit[verdict]);
    },
  },
  ofGateways(
    'audits_waiting',
    'Answers that were chosen for an audit and have no verdict yet',
    ({ audit }) => audit.waiting,
  ),
  ofGateways(
    'audits_undone',
    'Answers whose audit failed for a reason of the site and not of the gateway; it is tried again',
    ({ audit }) => audit.undone,
  ),
  {
    name: 'cameras',
    help: 'Cameras by what their gateways say of them; unknown before they said anything',
    labels: ['state'],
    tell: (set, { cameras }) => {
      const states = cameras.map(({ state }) => state?.state ?? 'unknown');
      for (const state of [...CAMERA_STATES, 'unknown'])
        set({ state }, states.filter((one) => one === state).length);
    },
  },
  {
    ...{ name: 'camera_streaming', help: '1 while the camera sends pictures', labels: ['camera'] },
    tell: (set, { cameras, gateways }) => {
      const online = new Set(gateways.filter(({ state }) => state === 'online').map(({ name }) => name));
      for (const { camera, gateway, state } of cameras)
        set({ camera }, Number(state?.state === 'streaming' && online.has(gateway)));
    },
  },
  {
    name: 'camera_unusual',
    help: '1 while the camera or a region of it shows something the network was not trained for',
    labels: ['camera'],
    tell: (set, { cameras }) => {
      for (const { camera, unusual } of cameras) set({ camera }, Number(unusual.length > 0));
    },
  },
];
