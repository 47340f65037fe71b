import { BlindsightError } from '#protocol/errors.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Logger } from '#runtime/log.ts';
import { chooseKeySet } from '../operations/choose-key-set.ts';
import { makeKeySets } from '../operations/make-key-sets.ts';
import { findModel } from '../operations/models.ts';
import type { Site } from '../site.ts';
import type { Reason, RolloutGatewayRecord, RolloutRecord } from '../store/rollouts.ts';
import { isStoreTrouble } from '../store/store-trouble.ts';

export type KeysAheadOptions = {
  readonly site: Pick<Site, 'name' | 'store' | 'vault' | 'blobs'>;
  readonly clock: Clock;
  readonly log: Logger;
};

/** What a rollout waits for before it releases to a gateway. */
export type KeyState = 'ready' | 'making' | Reason;

/** Makes keys for the gateways of rollouts, in order, while the waves before are under way: one at a time, since this machine also decrypts. */
export class KeysAhead {
  readonly #options: KeysAheadOptions;
  /** Gateways whose keys are wanted and not complete, by rollout and name: in the order in which they are asked for. */
  readonly #making = new Map<string, Promise<Reason | null>>();
  readonly #failed = new Map<string, Reason>();
  #tail: Promise<unknown> = Promise.resolve();

  constructor(options: KeysAheadOptions) {
    this.#options = options;
  }

  /**
   * Has the keys of a gateway made unless they are there.
   *
   * @param signal ends the making with the process; nothing half made stays
   */
  async want(
    { id, kind, keys }: RolloutRecord,
    { gateway, target }: Pick<RolloutGatewayRecord, 'gateway' | 'target'>,
    signal: AbortSignal | undefined,
  ): Promise<KeyState> {
    if (kind !== 'model') return 'ready';
    const { site } = this.#options;
    const key = `${id} ${gateway}`;
    const failure = this.#failed.get(key);
    if (failure !== undefined) return failure;
    if (this.#making.has(key)) return 'making';
    const model = await findModel(site, target.name, Number(target.version));
    // The release says so.
    if (model.retirement !== null) return 'ready';
    const choice = keys === null ? undefined : keys;
    if ((await chooseKeySet(site.store, model, gateway, choice)).keySet !== null) return 'ready';
    const made = this.#tail.then(() => this.#make(key, gateway, model, choice, signal));
    this.#tail = made;
    this.#making.set(key, made);
    return 'making';
  }

  async #make(
    key: string,
    gateway: string,
    model: Awaited<ReturnType<typeof findModel>>,
    keys: Parameters<typeof chooseKeySet>[3],
    signal: AbortSignal | undefined,
  ): Promise<Reason | null> {
    const { site, clock, log } = this.#options;
    try {
      await makeKeySets({
        ...{ site, model, gateways: [gateway], threads: 1, clock },
        ...(keys !== undefined && { keys }),
        ...(signal !== undefined && { signal }),
      });
      return null;
    } catch (error) {
      if (signal?.aborted || isStoreTrouble(error)) return null;
      const code = error instanceof BlindsightError ? error.code : 'WORKER_FAILED';
      const message = error instanceof Error ? error.message : String(error);
      log.warn({ gateway, code, err: error }, 'the keys of a gateway could not be made');
      this.#failed.set(key, { code, message });
      return { code, message };
    } finally {
      this.#making.delete(key);
    }
  }

  /** Resolves when nothing is being made. */
  async settled(): Promise<void> {
    await this.#tail;
  }
}
