import { dirname, join } from 'node:path';
import { ensureDirectory } from '#runtime/files.ts';
import { LaidOutNumber } from '#runtime/laid-out-number.ts';
import type { Logger } from '#runtime/log.ts';
import { BundleStore } from '../rollout/bundle-store.ts';
import type { ManifestOwner } from '../rollout/check-manifest.ts';
import { recoverState } from '../rollout/recover-state.ts';
import { RolloutStateFile } from '../rollout/rollout-state.ts';

/** What a network has on the disk: bundles, and which of them runs. */
export type NetworkFiles = { readonly store: BundleStore; readonly stateFile: RolloutStateFile };

/** Where a network's files are, absolute paths. */
export type NetworkPlace = {
  readonly bundles: string;
  readonly state: string;
  /** A copy of the highest release counter, apart from the state. */
  readonly counter: string;
};

/** Where the default network is, below the data folder. */
export function defaultPlace(data: string): NetworkPlace {
  return {
    bundles: join(data, 'bundles'),
    state: join(data, 'rollout.json'),
    counter: join(data, 'counters', 'release'),
  };
}

/** Where networks beside the default one are, a folder each. */
export function besidePlaces(data: string): {
  readonly folder: string;
  readonly of: (name: string) => NetworkPlace;
} {
  const folder = join(data, 'networks');
  return {
    folder,
    of: (name) => ({
      bundles: join(folder, name, 'bundles'),
      state: join(folder, name, 'rollout.json'),
      counter: join(folder, name, 'counter'),
    }),
  };
}

/** Opens the pointer file of a network, or what signed manifests and the counter apart from it still tell. */
export async function openNetworkFiles(
  { bundles, state, counter }: NetworkPlace,
  context: ManifestOwner,
  log: Logger,
): Promise<NetworkFiles> {
  await ensureDirectory(dirname(counter));
  const store = new BundleStore(bundles);
  const recover = async () => {
    const recovered = await recoverState(store, context);
    if (recovered.active !== null)
      log.error('rollout.json is damaged; the state is taken from the signed manifests on disk');
    return recovered;
  };
  const floor = await LaidOutNumber.open(counter, () => Promise.resolve(0));
  return { store, stateFile: await RolloutStateFile.open(state, recover, floor) };
}
