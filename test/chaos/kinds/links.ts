import { setTimeout as delay } from 'node:timers/promises';
import type { Kind } from '../kind.ts';

const ENDS = ['backend', 'gateway'] as const;

/** What happens to the link of backend or gateway to the broker. */
export const LINK_KINDS: readonly Kind[] = [
  {
    name: 'link-cut',
    what: 'the connection of backend or gateway to the broker is reset',
    targets: ENDS,
    lasts: [0, 0],
    strike: async ({ links }, { target }) => links.get(target)!.cut(),
  },
  {
    name: 'link-slow',
    what: 'each byte of a link comes up to 1.5 s late',
    targets: ENDS,
    lasts: [1_000, 8_000],
    strike: async ({ links }, { target, ms, amount }, signal) => {
      links.get(target)!.set({ delayMs: 50 + 1_450 * amount });
      await delay(ms, undefined, { signal }).catch(() => {});
      links.get(target)!.set({ delayMs: 0 });
    },
  },
];
