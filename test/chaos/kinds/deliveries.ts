import { setTimeout as delay } from 'node:timers/promises';
import type { Delivery } from '../gateway-settings.ts';
import type { Kind } from '../kind.ts';

const deliver =
  (delivery: Delivery): Kind['strike'] =>
  async ({ gateways }, { target, ms }, signal) => {
    gateways.get(target)!.tell({ delivery });
    await delay(ms, undefined, { signal }).catch(() => {});
    gateways.get(target)!.tell({ delivery: 'once' });
  };

const base = { targets: ['gateway'], lasts: [1_000, 6_000] } as const;

/** How answers arrive, as QoS 0 and 1 allow. */
export const DELIVERY_KINDS: readonly Kind[] = [
  {
    ...base,
    name: 'delivered-never',
    what: 'half of the answers of a gateway do not arrive, nor half of its receipts, and nobody hears of it',
    strike: deliver('never'),
  },
  {
    ...base,
    name: 'delivered-thrice',
    what: 'answers of a gateway arrive three times',
    strike: deliver('thrice'),
  },
  {
    ...base,
    name: 'delivered-shuffled',
    what: 'answers of a gateway arrive late and in another order',
    strike: deliver('shuffled'),
  },
  {
    ...base,
    name: 'delivered-again',
    what: 'old answers of a gateway arrive again between the new ones',
    strike: deliver('again'),
  },
];
