import type { Clock } from '#runtime/clock.ts';
import { prepareDeployment } from '../operations/deploy-model.ts';
import type { Site } from '../site.ts';
import { prepareSoftwareRelease } from '../software/release-software.ts';
import type { RolloutKind, RolloutRecord, Target } from '../store/rollouts.ts';
import type { Store } from '../store/store.ts';

export type ReleaseOptions = {
  readonly site: Pick<Site, 'name' | 'store' | 'vault'>;
  readonly kind: RolloutKind;
  readonly gateway: string;
  readonly target: Target;
  /** Whether as a network beside the default one. */
  readonly beside: boolean;
  readonly maxMessageBytes?: number;
  readonly keys: RolloutRecord['keys'];
  readonly clock: Clock;
};

/**
 * Everything about the release of one gateway that can be refused, whatever is released.
 *
 * @returns signs and stores the release, in the transaction of its store; returns its digest
 * @throws BlindsightError as `prepareDeployment` and `prepareSoftwareRelease`.
 */
export async function prepareRelease(options: ReleaseOptions): Promise<(store: Store) => Promise<string>> {
  const { target, kind, keys, beside, ...rest } = options;
  const release =
    kind === 'model'
      ? await prepareDeployment({
          ...{ ...rest, beside },
          model: target.name,
          version: Number(target.version),
          ...(keys !== null && { keys }),
        })
      : await prepareSoftwareRelease({ ...rest, version: target.version });
  return async (store) => (await release(store)).digest;
}
