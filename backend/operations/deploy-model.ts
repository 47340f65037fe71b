import { ENVELOPE_OVERHEAD_BYTES } from '#protocol/envelope.ts';
import { BlindsightError } from '#protocol/errors.ts';
import { type Manifest, manifestDigest, signManifest } from '#protocol/manifest.ts';
import { type Clock, systemClock } from '#runtime/clock.ts';
import { ENVELOPE_MAX_BYTES } from '../decryption/envelope-limit.ts';
import { openOwnerKey } from '../owner-keys/owner-key.ts';
import type { Site } from '../site.ts';
import type { DeploymentRecord } from '../store/deployments.ts';
import type { ModelRecord } from '../store/models.ts';
import type { KeySetRecord } from '../store/protections.ts';
import type { Store } from '../store/store.ts';
import { assignKeySet, chooseKeySet, type KeyChoice } from './choose-key-set.ts';
import { findGateway } from './gateways.ts';
import { type MakeKeySetsOptions, makeKeySets } from './make-key-sets.ts';
import { findModel } from './models.ts';
import { checkBeside, isBeside, type NetworkPlace } from './network-place.ts';

export type DeployModelOptions = {
  readonly site: Pick<Site, 'name' | 'store' | 'vault' | 'blobs'>;
  readonly model: string;
  /** The newest where left out. An older one is a rollback, and a new release like any other. */
  readonly version?: number;
  readonly gateway: string;
  /** Largest message that the broker takes; 256 KiB where left out. */
  readonly maxMessageBytes?: number;
  /** How long the gateway may begin to run it; without an end where left out. */
  readonly validDays?: number;
  /** Keys of its own for each gateway, or one key pair for all. Where left out: what a gateway has, or else its own unless the bundle is large. */
  readonly keys?: KeyChoice;
  /** What it is to be on the gateway; where left out, see `isBeside`. */
  readonly place?: NetworkPlace;
  readonly clock?: Clock;
};

/** The heavy part of it. */
export type KeyMaking = Pick<MakeKeySetsOptions, 'onProgress' | 'signal' | 'threads'>;

const DAY_MS = 86_400_000;
const MAX_MESSAGE_BYTES = 256 * 1024;

/**
 * Releases a model to a gateway: a signed manifest with the gateway's next counter. The running daemon sees it within a
 * second and publishes it; without a daemon it waits in the store. Keys that the gateway lacks are made first, in threads: seconds to minutes.
 *
 * @throws BlindsightError MODEL_NOT_FOUND, MODEL_RETIRED, GATEWAY_NOT_FOUND, GATEWAY_TOO_OLD, GATEWAY_NETWORKS, ANSWER_TOO_LARGE, SECRET_MISSING, KEYS_UNDECIDED, and
 *   as `makeKeySets`.
 */
export async function deployModel(options: DeployModelOptions & KeyMaking): Promise<DeploymentRecord> {
  const { gateway, ...rest } = options;
  return (await deployToGateways({ ...rest, gateways: [gateway] }))[0]!;
}

/**
 * Releases a model to several gateways: to all of them, or to none where one is refused. Keys that were made stay with their gateways.
 *
 * @throws as {@link deployModel}
 */
export async function deployToGateways({
  gateways,
  ...options
}: Omit<DeployModelOptions, 'gateway'> & KeyMaking & { readonly gateways: readonly string[] }): Promise<
  DeploymentRecord[]
> {
  const { site } = options;
  const releases: ((store: Store) => Promise<DeploymentRecord>)[] = [];
  for (const gateway of new Set(gateways)) releases.push(await prepareDeployment({ ...options, gateway }));
  // After everything that is refused at once.
  const model = await findModel(site, options.model, options.version);
  await makeKeySets({ ...options, model, gateways });
  options.signal?.throwIfAborted();
  return site.store.transaction(async (store) => {
    const records: DeploymentRecord[] = [];
    for (const release of releases) records.push(await release(store));
    return records;
  });
}

/**
 * Releases the newest releases of gateways again, under the same keys: after another owner key, or a restore.
 *
 * @returns what could not be released, in words
 */
export async function repeatDeployments(
  options: Pick<DeployModelOptions, 'site' | 'maxMessageBytes' | 'clock'>,
): Promise<string[]> {
  const notReleased: string[] = [];
  for (const release of await options.site.store.deployments.current()) {
    const { gateway, model, version, protection, beside } = release;
    try {
      await options.site.store.transaction(
        await prepareDeployment({ ...options, gateway, model, version, protection, beside }),
      );
    } catch (error) {
      if (!(error instanceof BlindsightError)) throw error;
      notReleased.push(`${model} version ${version} to ${gateway}: ${error.message}`);
    }
  }
  return notReleased;
}

/**
 * Everything about a release that can be refused.
 *
 * @param options.protection the key set, where it is decided already
 * @param options.beside where it goes, where that is decided already
 * @returns gives the gateway its keys, signs and stores the release; run it in a transaction, alone or with what must be durable together with it. It
 *   throws KEY_SET_MISSING where the keys have not been made
 * @throws as {@link deployModel}
 */
export async function prepareDeployment(
  options: Omit<DeployModelOptions, 'site'> & {
    readonly site: Pick<Site, 'name' | 'store' | 'vault'>;
    readonly protection?: number;
    readonly beside?: boolean;
  },
): Promise<(store: Store) => Promise<DeploymentRecord>> {
  const { site, clock = systemClock } = options;
  const model = await findModel(site, options.model, options.version);
  if (model.retirement !== null)
    throw new BlindsightError('MODEL_RETIRED', `${model.name} version ${model.version} is retired`);
  const gateway = await findGateway(site, options.gateway);
  const { validDays, protection, keys } = options;
  if (protection === undefined) await chooseKeySet(site.store, model, gateway.name, keys);
  if (validDays !== undefined && gateway.trust === null)
    throw new BlindsightError(
      'GATEWAY_TOO_OLD',
      `${gateway.name} has not said that it knows releases that expire, and older gateways refuse them`,
    );
  checkAnswerSize(model, options.maxMessageBytes);
  const beside = options.beside ?? (await isBeside(site.store, gateway.name, model.name, options.place));
  if (beside) await checkBeside(site.store, gateway, model.name);
  const signingKey = await openOwnerKey(site.store, site.vault);
  return async (store) => {
    const keySet =
      protection === undefined
        ? await assignKeySet(store, model, gateway.name, keys)
        : await findKeySet(store, model, protection);
    const counter = (await store.gateways.nextCounter(gateway.name))!;
    const createdMs = clock.now();
    const manifest: Manifest = {
      schema: 1,
      site: site.name,
      gateway: gateway.name,
      model: model.name,
      modelVersion: model.version,
      counter,
      createdMs,
      ...(validDays !== undefined && { expiresMs: createdMs + validDays * DAY_MS }),
      ...(beside && { beside }),
      parts: keySet.parts,
      selfTest: keySet.selfTest,
    };
    const bytes = signManifest(manifest, signingKey);
    const digest = manifestDigest(bytes);
    await store.deployments.add({
      digest,
      gateway: gateway.name,
      model: model.name,
      version: model.version,
      protection: keySet.number,
      beside,
      counter,
      manifest: bytes,
      createdMs,
    });
    await store.journal.add({
      timeMs: createdMs,
      level: 'info',
      code: 'MODEL_RELEASED',
      subject: gateway.name,
      message: `${model.name} version ${model.version} released to ${gateway.name} as release ${counter}${beside ? ', for cameras that name it' : ''}`,
    });
    return (await store.deployments.get(digest))!;
  };
}

async function findKeySet(
  store: Store,
  { name: model, version }: ModelRecord,
  number: number,
): Promise<KeySetRecord> {
  const keySet = await store.protections.get({ model, version, number });
  if (keySet?.retirement === null) return keySet;
  throw new BlindsightError('KEY_SET_RETIRED', `key set ${number} of ${model} version ${version} is retired`);
}

/**
 * A broker drops what is too large without a word to the gateway, which would then keep answers until they expire.
 *
 * @throws BlindsightError ANSWER_TOO_LARGE.
 */
export function checkAnswerSize(
  { name, version, answerBytes }: ModelRecord,
  brokerBytes = MAX_MESSAGE_BYTES,
): void {
  const bytes = answerBytes + ENVELOPE_OVERHEAD_BYTES;
  const most = Math.min(brokerBytes, ENVELOPE_MAX_BYTES);
  if (bytes <= most) return;
  throw new BlindsightError(
    'ANSWER_TOO_LARGE',
    `answers of ${name} version ${version} make messages of up to ${bytes} bytes; at most ${most} pass`,
  );
}

/** All releases, by gateway and counter. */
export function listDeployments(site: Site): Promise<DeploymentRecord[]> {
  return site.store.deployments.list();
}
