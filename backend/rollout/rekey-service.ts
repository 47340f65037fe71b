import { BlindsightError } from '#protocol/errors.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Logger } from '#runtime/log.ts';
import { reprotectGateway } from '../operations/reprotect-gateway.ts';
import type { Site } from '../site.ts';
import type { DeploymentRecord } from '../store/deployments.ts';
import { clearKeySets } from './clear-key-sets.ts';

export type RekeyServiceOptions = {
  readonly site: Pick<Site, 'name' | 'store' | 'vault' | 'blobs'>;
  readonly maxMessageBytes?: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onChange: () => void;
};

const PACE_MS = 5000;
const CLEAR_MS = 3_600_000;
/** After one that failed: it is minutes of computing. */
const RETRY_MS = 10 * 60_000;

/**
 * Gives new keys to gateways whose keys were retired: those whose place another box took. Removes what belongs to retired keys only from the disk. What
 * to do follows from the store alone, so that a backend that was stopped meanwhile goes on with it.
 */
export class RekeyService {
  readonly #options: RekeyServiceOptions;
  /** When to try again, by gateway and network. */
  readonly #retryMs = new Map<string, number>();
  #clearMs = 0;

  constructor(options: RekeyServiceOptions) {
    this.#options = options;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    while (!signal.aborted) {
      try {
        await this.step(signal);
      } catch (error) {
        if (!signal.aborted) log.warn({ err: error }, 'retired keys could not be looked at; trying again');
      }
      await clock.sleep(PACE_MS, signal).catch(() => {});
    }
  }

  /** Looks once. */
  async step(signal?: AbortSignal): Promise<void> {
    const { site, clock, log } = this.#options;
    for (const release of await site.store.deployments.current()) {
      if (signal?.aborted) return;
      const { model, version, protection: number } = release;
      const keySet = await site.store.protections.get({ model, version, number });
      if (keySet?.retirement != null) await this.#rekey(release, keySet.retirement.reason, signal);
    }
    if (clock.monotonic() < this.#clearMs) return;
    this.#clearMs = clock.monotonic() + CLEAR_MS;
    const { files } = await clearKeySets(site, clock.now());
    if (files > 0) log.info({ files }, 'files of retired keys were removed');
  }

  async #rekey(
    { gateway, model, beside }: DeploymentRecord,
    reason: string,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { log, clock, onChange, ...rest } = this.#options;
    const network = beside ? model : undefined;
    const key = `${gateway} ${network ?? ''}`;
    if (clock.monotonic() < (this.#retryMs.get(key) ?? 0)) return;
    try {
      const release = await reprotectGateway({
        ...{ ...rest, gateway, network, reason, clock },
        ...(signal !== undefined && { signal }),
      });
      this.#retryMs.delete(key);
      log.info({ gateway, keySet: release.protection }, `${gateway} gets new keys: ${reason}`);
      onChange();
    } catch (error) {
      if (signal?.aborted) throw error;
      this.#retryMs.set(key, clock.monotonic() + RETRY_MS);
      const code = error instanceof BlindsightError ? error.code : 'WORKER_FAILED';
      log.warn({ gateway, code, err: error }, 'a gateway whose keys are retired did not get new ones');
    }
  }
}
