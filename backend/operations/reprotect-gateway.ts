import { BlindsightError } from '#protocol/errors.ts';
import { type Clock, systemClock } from '#runtime/clock.ts';
import { KeySetMaker } from '../protection/key-set-maker.ts';
import type { Site } from '../site.ts';
import type { DeploymentRecord } from '../store/deployments.ts';
import { prepareDeployment } from './deploy-model.ts';
import { findGateway } from './gateways.ts';
import { findModel } from './models.ts';

/** As old as an answer may be that waited in an outbox. */
export const REKEY_GRACE_MS = 72 * 3_600_000;

export type ReprotectOptions = {
  readonly site: Pick<Site, 'name' | 'store' | 'vault' | 'blobs'>;
  readonly gateway: string;
  /** Which of its networks, by the name of the model; the default one where left out. */
  readonly network?: string | undefined;
  /** A few words, for the journal and the record of the old keys. */
  readonly reason: string;
  /** How long answers under the keys of before are taken, ms; 72 hours where left out. 0 loses what waits in the outbox. */
  readonly graceMs?: number;
  readonly maxMessageBytes?: number;
  /** @param step a few words. @param fraction share that is done, 0 to 1. */
  readonly onProgress?: (step: string, fraction: number) => void;
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
};

/**
 * Protects the network that a gateway is to run once more, for this gateway alone, and releases it. The keys of before are retired, unless other
 * gateways share them; answers of this gateway under them are refused after a time of grace. Release and retirement are durable together: whatever ends this before, nothing has
 * changed.
 *
 * @throws BlindsightError GATEWAY_NOT_FOUND, REKEY_NOTHING, MODEL_RETIRED, ANSWER_TOO_LARGE, and as `KeySetMaker`; the signal's reason.
 */
export async function reprotectGateway(options: ReprotectOptions): Promise<DeploymentRecord> {
  const { site, reason, graceMs = REKEY_GRACE_MS, onProgress, signal, clock = systemClock } = options;
  const { name } = await findGateway(site, options.gateway);
  const current = await newestOf(site, name, options.network);
  const model = await findModel(site, current.model, current.version);
  const { beside } = current;
  const target = { gateway: name, model: model.name, version: model.version, beside };
  const bound = options.maxMessageBytes === undefined ? {} : { maxMessageBytes: options.maxMessageBytes };
  // Refused at once, and not after minutes.
  await prepareDeployment({ site, ...target, ...bound, keys: 'per-gateway', clock });
  const maker = new KeySetMaker({ site, model, ...(signal && { signal }) });
  const made = await maker
    .make(({ step, fraction }) => onProgress?.(step, fraction))
    .finally(() => maker.close());
  signal?.throwIfAborted();
  const release = await prepareDeployment({ site, ...target, ...bound, protection: made.id.number, clock });
  return site.store.transaction(async (store) => {
    const sinceMs = clock.now();
    const refusedFromMs = sinceMs + graceMs;
    for (const keySet of await store.protections.of(model.name, model.version)) {
      if (keySet.retirement !== null && keySet.gateway !== name) continue;
      await store.deployments.refuse(name, keySet, refusedFromMs);
      if (keySet.gateway === name) await store.protections.retire(keySet, { sinceMs, refusedFromMs, reason });
    }
    await made.keep(store, name, sinceMs);
    await store.journal.add({
      timeMs: sinceMs,
      level: 'warn',
      code: 'GATEWAY_REKEYED',
      subject: name,
      message:
        `${name} gets new keys for ${model.name} version ${model.version} (key set ${made.id.number}): ${reason}; ` +
        `answers under those before are refused from ${new Date(refusedFromMs).toISOString()} on`,
    });
    return release(store);
  });
}

/**
 * Gives new keys to all networks of a gateway, one after the other.
 *
 * @returns their releases, that of the default network first
 * @throws as {@link reprotectGateway}; networks before the one that failed have new keys then
 */
export async function reprotectNetworks(
  options: Omit<ReprotectOptions, 'network'>,
): Promise<DeploymentRecord[]> {
  const { store } = options.site;
  const { name } = await findGateway(options.site, options.gateway);
  const networks = (await store.deployments.currentOf(name)).map(({ beside, model }) =>
    beside ? model : undefined,
  );
  const releases: DeploymentRecord[] = [];
  for (const network of networks.length > 0 ? networks : [undefined])
    releases.push(await reprotectGateway({ ...options, network }));
  return releases;
}

/** What a network of a gateway is to be now. */
async function newestOf(
  { store }: Pick<Site, 'store'>,
  gateway: string,
  network: string | undefined,
): Promise<DeploymentRecord> {
  const current = (await store.deployments.currentOf(gateway)).find(({ beside, model }) =>
    network === undefined ? !beside : beside && model === network,
  );
  if (current !== undefined) return current;
  const what = network === undefined ? 'no network' : `no network ${network}`;
  throw new BlindsightError('REKEY_NOTHING', `${what} was deployed to ${gateway}`);
}
