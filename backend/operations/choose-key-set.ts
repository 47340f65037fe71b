import { BlindsightError } from '#protocol/errors.ts';
import type { ModelRecord } from '../store/models.ts';
import type { KeySetRecord } from '../store/protections.ts';
import type { Store } from '../store/store.ts';

/** Keys of its own for each gateway, or one key pair for all. */
export type KeyChoice = 'per-gateway' | 'common';

/** A network of at least this size gets keys for each gateway only where somebody says so: bytes to deploy. */
export const LARGE_BUNDLE_BYTES = 100_000_000;

/** The key set that a gateway gets; or that one must be made, for it or to be shared. */
export type ChosenKeySet =
  | { readonly keySet: KeySetRecord }
  | { readonly keySet: null; readonly choice: KeyChoice };

/**
 * Which keys a gateway gets: those that it has; or else a key set that nobody has taken.
 *
 * @param choice where left out: what the gateway has of this version, or else keys of its own
 * @throws BlindsightError KEYS_UNDECIDED where the bundle is large and nobody has chosen.
 */
export async function chooseKeySet(
  store: Store,
  model: ModelRecord,
  gateway: string,
  choice?: KeyChoice,
): Promise<ChosenKeySet> {
  const keySets = (await store.protections.of(model.name, model.version)).filter(
    ({ retirement }) => retirement === null,
  );
  const own = keySets.find((one) => one.gateway === gateway);
  const shared = keySets.find((one) => one.isShared);
  const free = keySets.find((one) => one.gateway === null && !one.isShared);
  if (choice === 'common') return found(shared ?? free, choice);
  if (own !== undefined) return { keySet: own };
  if (choice === undefined) {
    if (shared !== undefined && (await hadIt(store, shared, gateway))) return { keySet: shared };
    const bytes = model.parts.reduce((sum, part) => sum + part.bytes, 0);
    if (bytes >= LARGE_BUNDLE_BYTES)
      throw new BlindsightError(
        'KEYS_UNDECIDED',
        `${model.name} version ${model.version} has ${Math.round(bytes / 1e6)} MB, for each gateway that has keys of its own`,
      );
  }
  return found(free, 'per-gateway');
}

function found(keySet: KeySetRecord | undefined, choice: KeyChoice): ChosenKeySet {
  return keySet === undefined ? { keySet: null, choice } : { keySet };
}

/** Whether a gateway was deployed to with a shared key set before. */
async function hadIt(store: Store, { model, version, number }: KeySetRecord, gateway: string) {
  const releases = await store.deployments.list();
  return releases.some(
    (one) =>
      one.gateway === gateway &&
      one.model === model &&
      one.version === version &&
      one.protection === number &&
      one.refusedFromMs === null,
  );
}

/**
 * Gives a gateway its keys, for ever. Call it in the transaction of its release.
 *
 * @throws BlindsightError KEYS_UNDECIDED, KEY_SET_MISSING where they must be made first.
 */
export async function assignKeySet(
  store: Store,
  model: ModelRecord,
  gateway: string,
  choice?: KeyChoice,
): Promise<KeySetRecord> {
  const chosen = await chooseKeySet(store, model, gateway, choice);
  const { keySet } = chosen;
  if (keySet === null)
    throw new BlindsightError(
      'KEY_SET_MISSING',
      `no keys of ${model.name} version ${model.version} have been made for ${gateway}`,
    );
  if (keySet.gateway === gateway || (keySet.isShared && choice !== 'per-gateway')) return keySet;
  const taken =
    choice === 'common'
      ? await store.protections.share(keySet)
      : await store.protections.take(keySet, gateway);
  if (!taken)
    throw new BlindsightError('KEY_SET_MISSING', `somebody else took the keys meant for ${gateway}`);
  return (await store.protections.get(keySet))!;
}
