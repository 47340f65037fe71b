import type { LeakView } from '#protocol/api.ts';
import type { LeakAccount } from '../store/leaks.ts';
import type { Store } from '../store/store.ts';

/** Beyond that nobody plans. */
const MAX_DAYS = 3650;

/** The account of the key that each gateway used last, by gateway. */
export async function leakViews(store: Pick<Store, 'leaks'>): Promise<ReadonlyMap<string, LeakView>> {
  const views = new Map<string, LeakView>();
  const accounts = (await store.leaks.accounts()).filter(({ state }) => state !== 'replaced');
  for (const [gateway, all] of Map.groupBy(accounts, (one) => one.gateway)) {
    // The one that is worst: an earlier key may still protect weights.
    const worst = all.reduce((most, one) => (one.bits / one.limit > most.bits / most.limit ? one : most));
    views.set(gateway, viewOf(worst));
  }
  return views;
}

function viewOf({ state, bits, limit, perDay }: LeakAccount): LeakView {
  const left = Math.max(0, limit / 2 - bits);
  const days = perDay === null || perDay <= 0 ? Number.POSITIVE_INFINITY : left / perDay;
  return {
    state: state === 'replaced' ? 'spent' : state,
    bits: Math.round(bits),
    keyBits: Math.round(limit),
    safeDays: days > MAX_DAYS ? null : Math.floor(days),
  };
}
