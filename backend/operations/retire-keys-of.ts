import type { Store } from '../store/store.ts';

/**
 * Retires the keys that a gateway has alone, of all networks. Its secret keys stay, sealed: answers that came before are opened with them.
 *
 * @param graceMs how long answers under them are taken
 * @param reason a few words
 */
export async function retireKeysOf(
  store: Store,
  gateway: string,
  { nowMs, graceMs, reason }: { readonly nowMs: number; readonly graceMs: number; readonly reason: string },
): Promise<void> {
  for (const keySet of await store.protections.list())
    if (keySet.gateway === gateway && keySet.retirement === null)
      await store.protections.retire(keySet, { sinceMs: nowMs, refusedFromMs: nowMs + graceMs, reason });
}
