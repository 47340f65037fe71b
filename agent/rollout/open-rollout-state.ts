import { join } from 'node:path';
import { LaidOutNumber } from '#runtime/laid-out-number.ts';
import type { Logger } from '#runtime/log.ts';
import type { BundleStore } from './bundle-store.ts';
import type { ManifestContext } from './check-manifest.ts';
import { recoverState } from './recover-state.ts';
import { RolloutStateFile } from './rollout-state.ts';

/** Opens the pointer file below a data folder, or what signed manifests and the counter apart from it still tell. */
export function openRolloutState(
  data: string,
  bundles: BundleStore,
  context: Pick<ManifestContext, 'ownerKeys' | 'site' | 'gateway'>,
  log: Logger,
): Promise<RolloutStateFile> {
  const recover = async () => {
    const state = await recoverState(bundles, context);
    if (state.active !== null)
      log.error('rollout.json is damaged; the state is taken from the signed manifests on disk');
    return state;
  };
  const none = () => Promise.resolve(0);
  return LaidOutNumber.open(join(data, 'counters', 'release'), none).then((floor) =>
    RolloutStateFile.open(join(data, 'rollout.json'), recover, floor),
  );
}
