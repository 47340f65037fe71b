import { type Clock, systemClock } from '#runtime/clock.ts';
import { KeySetMaker, threadsFor } from '../protection/key-set-maker.ts';
import type { Site } from '../site.ts';
import type { ModelRecord } from '../store/models.ts';
import { chooseKeySet, type KeyChoice } from './choose-key-set.ts';

export type MakeKeySetsOptions = {
  readonly site: Pick<Site, 'store' | 'vault' | 'blobs'>;
  readonly model: ModelRecord;
  readonly gateways: readonly string[];
  readonly keys?: KeyChoice;
  /** Key sets that are made at once; one for each core where left out, as far as there is memory. */
  readonly threads?: number;
  /** @param step a few words. @param fraction share of all that is done, 0 to 1. */
  readonly onProgress?: (step: string, fraction: number) => void;
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
};

/**
 * Makes the keys that gateways lack for a network, several at once. Each is kept for its gateway as soon as it is complete: whatever ends this
 * before its end, the next attempt makes only what is missing, and there is no key that belongs to nothing.
 *
 * @returns how many were made
 * @throws BlindsightError KEYS_UNDECIDED, and as `KeySetMaker`; the signal's reason.
 */
export async function makeKeySets(options: MakeKeySetsOptions): Promise<number> {
  const { site, model, signal, onProgress, clock = systemClock } = options;
  const owners = await findMissing(options);
  if (owners.length === 0) return 0;
  const shares = new Map<string | null, number>();
  let done = 0;
  const tell = (owner: string | null, step: string, fraction: number) => {
    shares.set(owner, fraction);
    const all = [...shares.values()].reduce((sum, share) => sum + share, done);
    onProgress?.(`${done + 1} of ${owners.length} key pairs: ${step}`, all / owners.length);
  };
  const waiting = [...owners];
  // The first that fails ends the others: they would be made in vain.
  const failed = new AbortController();
  const either = signal === undefined ? failed.signal : AbortSignal.any([signal, failed.signal]);
  const work = async (maker: KeySetMaker) => {
    for (let owner = waiting.shift(); owner !== undefined; owner = waiting.shift()) {
      const own = owner;
      const made = await maker.make(({ step, fraction }) => tell(own, step, fraction));
      either.throwIfAborted();
      await site.store.transaction(async (store) => {
        // Another process may have made them meanwhile.
        const { keySet } = await chooseKeySet(
          store,
          model,
          own ?? '',
          own === null ? 'common' : 'per-gateway',
        );
        if (keySet !== null && (own === null || keySet.gateway === own)) return;
        await made.keep(store, own, clock.now());
        if (own === null) await store.protections.share(made.id);
      });
      shares.delete(own);
      done += 1;
    }
  };
  const threads = Math.min(options.threads ?? threadsFor(model), owners.length);
  const ends = await Promise.allSettled(
    Array.from({ length: threads }, async () => {
      const maker = new KeySetMaker({ site, model, signal: either });
      try {
        await work(maker);
      } catch (error) {
        failed.abort(error);
        throw error;
      } finally {
        await maker.close();
      }
    }),
  );
  signal?.throwIfAborted();
  const first = ends.find((end) => end.status === 'rejected');
  if (first !== undefined) throw failed.signal.reason;
  return done;
}

/** Whose keys must be made: gateways, or null for one that is shared. What nobody has is given to the first who need it. */
async function findMissing({ site, model, gateways, keys }: MakeKeySetsOptions): Promise<(string | null)[]> {
  const missing: (string | null)[] = [];
  for (const gateway of new Set(gateways)) {
    const chosen = await chooseKeySet(site.store, model, gateway, keys);
    if (chosen.keySet === null) {
      if (chosen.choice === 'common') return [null];
      missing.push(gateway);
    } else if (chosen.keySet.gateway === null && !chosen.keySet.isShared && keys !== 'common') {
      if (!(await site.store.protections.take(chosen.keySet, gateway))) missing.push(gateway);
    }
  }
  return missing;
}
