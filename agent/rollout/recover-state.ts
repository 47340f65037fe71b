import type { BundleStore } from './bundle-store.ts';
import { checkOwner, type ManifestOwner } from './check-manifest.ts';
import type { RolloutState } from './rollout-state.ts';

/**
 * What the signed manifests on disk tell, for the day on which a disk lost the pointer file: the newest bundle becomes
 * active, and its release counter the lowest that is accepted. Manifests that the owner did not sign, or not for this gateway and network, tell nothing.
 */
export async function recoverState(store: BundleStore, context: ManifestOwner): Promise<RolloutState> {
  const bundles = await store.complete((decoded) => checkOwner(decoded, context));
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
