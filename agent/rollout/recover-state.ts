import type { KeyObject } from 'node:crypto';
import { verifyManifest } from '#protocol/manifest.ts';
import type { BundleStore } from './bundle-store.ts';
import type { RolloutState } from './rollout-state.ts';

/**
 * What the signed manifests on disk tell, for the day on which a disk lost the pointer file: the newest bundle becomes
 * active, and its release counter the lowest that is accepted. Manifests that the owner did not sign tell nothing.
 */
export async function recoverState(
  store: BundleStore,
  ownerKeys: () => readonly KeyObject[],
): Promise<RolloutState> {
  const bundles = await store.complete((decoded) => ownerKeys().some((key) => verifyManifest(decoded, key)));
  bundles.sort((a, b) => b.manifest.counter - a.manifest.counter);
  const [newest, before] = bundles;
  return {
    active: newest?.digest ?? null,
    previous: before?.digest ?? null,
    counter: newest?.manifest.counter ?? 0,
    counterOf: newest?.digest ?? null,
    rolledBack: null,
  };
}
