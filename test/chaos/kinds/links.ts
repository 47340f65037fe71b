import { setTimeout as delay } from 'node:timers/promises';
import type { FaultyLink, LinkFault } from '../faulty-link.ts';
import type { Kind } from '../kind.ts';

const ENDS = ['link', 'gateway'] as const;

/** What lasts for a while, and is over then. */
const whileItLasts =
  (fault: (amount: number) => Partial<LinkFault>, after: Partial<LinkFault>, first = (_: FaultyLink) => {}) =>
  async (
    ...[{ links }, { target, ms, amount }, signal]: Parameters<Kind['strike']>
  ): ReturnType<Kind['strike']> => {
    const link = links.get(target)!;
    link.set(fault(amount));
    first(link);
    await delay(ms, undefined, { signal }).catch(() => {});
    link.set(after);
  };

/** What happens to the link of backend or gateway to the broker, and of the backend to its queue. */
export const LINK_KINDS: readonly Kind[] = [
  {
    name: 'link-cut',
    what: 'the connection of backend or gateway to the broker is reset',
    targets: ENDS,
    lasts: [0, 0],
    strike: async ({ links }, { target }) => links.get(target)!.cut(),
  },
  {
    name: 'link-torn',
    what: 'the connection is reset in the middle of a message',
    targets: ENDS,
    lasts: [0, 0],
    strike: async ({ links }, { target, amount }) =>
      links.get(target)!.cutAfter(1 + Math.round(20_000 * amount)),
  },
  {
    name: 'link-flapping',
    what: 'the connection is reset again and again, up to ten times a second',
    targets: ENDS,
    lasts: [1_000, 5_000],
    strike: async ({ links }, { target, ms, amount }, signal) => {
      const everyMs = 100 + 900 * amount;
      for (let passedMs = 0; passedMs < ms && !signal.aborted; passedMs += everyMs) {
        links.get(target)!.cut();
        await delay(everyMs);
      }
    },
  },
  {
    name: 'link-away',
    what: 'no connection to the broker can be made for some seconds',
    targets: ENDS,
    lasts: [1_000, 8_000],
    strike: whileItLasts(
      () => ({ isRefusing: true }),
      { isRefusing: false },
      (link) => link.cut(),
    ),
  },
  {
    name: 'link-half-open',
    what: 'one end hears that the connection is gone, the other does not',
    targets: ENDS,
    lasts: [0, 0],
    strike: async ({ links }, { target, amount }) =>
      links.get(target)!.halfOpen(amount < 0.5 ? 'near' : 'far'),
  },
  {
    name: 'link-silent',
    what: 'nothing gets through for some seconds, and then all of it',
    targets: ENDS,
    lasts: [500, 8_000],
    strike: whileItLasts(() => ({ stopped: 'both' }), { stopped: 'none' }),
  },
  {
    name: 'link-one-way',
    what: 'nothing gets through in one direction for some seconds',
    targets: ENDS,
    lasts: [500, 8_000],
    strike: whileItLasts((amount) => ({ stopped: amount < 0.5 ? 'up' : 'down' }), { stopped: 'none' }),
  },
  {
    name: 'link-slow',
    what: 'each byte of a link comes up to 1.5 s late',
    targets: ENDS,
    lasts: [1_000, 8_000],
    strike: whileItLasts((amount) => ({ delayMs: 50 + 1_450 * amount }), { delayMs: 0 }),
  },
  {
    name: 'link-narrow',
    what: 'a link carries 2 to 20 KB a second',
    targets: ENDS,
    lasts: [1_000, 8_000],
    strike: whileItLasts((amount) => ({ bytesPerSecond: 2_000 + 18_000 * amount }), {
      bytesPerSecond: Number.POSITIVE_INFINITY,
    }),
  },
];
