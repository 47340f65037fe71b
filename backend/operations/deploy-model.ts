import { ENVELOPE_OVERHEAD_BYTES } from '#protocol/envelope.ts';
import { BlindsightError } from '#protocol/errors.ts';
import { type Manifest, manifestDigest, signManifest } from '#protocol/manifest.ts';
import { type Clock, systemClock } from '#runtime/clock.ts';
import { ENVELOPE_MAX_BYTES } from '../decryption/check-envelope.ts';
import { openOwnerKey } from '../owner-keys/owner-key.ts';
import type { Site } from '../site.ts';
import type { DeploymentRecord } from '../store/deployments.ts';
import type { ModelRecord } from '../store/models.ts';
import type { Store } from '../store/store.ts';
import { findGateway } from './gateways.ts';
import { findModel } from './models.ts';

export type DeployModelOptions = {
  readonly site: Pick<Site, 'name' | 'store' | 'vault'>;
  readonly model: string;
  /** The newest where left out. An older one is a rollback, and a new release like any other. */
  readonly version?: number;
  readonly gateway: string;
  /** Largest message that the broker takes; 256 KiB where left out. */
  readonly maxMessageBytes?: number;
  /** How long the gateway may begin to run it; without an end where left out. */
  readonly validDays?: number;
  readonly clock?: Clock;
};

const DAY_MS = 86_400_000;
const MAX_MESSAGE_BYTES = 256 * 1024;

/**
 * Releases a model to a gateway: a signed manifest with the gateway's next counter. The running daemon sees it within a
 * second and publishes it; without a daemon it waits in the store.
 *
 * @throws BlindsightError MODEL_NOT_FOUND, MODEL_RETIRED, GATEWAY_NOT_FOUND, GATEWAY_TOO_OLD, ANSWER_TOO_LARGE, SECRET_MISSING.
 */
export async function deployModel(options: DeployModelOptions): Promise<DeploymentRecord> {
  const release = await prepareDeployment(options);
  return options.site.store.transaction(release);
}

/**
 * Releases a model to several gateways: to all of them, or to none where one is refused.
 *
 * @throws as {@link deployModel}
 */
export async function deployToGateways({
  gateways,
  ...options
}: Omit<DeployModelOptions, 'gateway'> & { readonly gateways: readonly string[] }): Promise<
  DeploymentRecord[]
> {
  const releases: ((store: Store) => Promise<DeploymentRecord>)[] = [];
  for (const gateway of new Set(gateways)) releases.push(await prepareDeployment({ ...options, gateway }));
  return options.site.store.transaction(async (store) => {
    const records: DeploymentRecord[] = [];
    for (const release of releases) records.push(await release(store));
    return records;
  });
}

/**
 * Everything about a release that can be refused.
 *
 * @returns signs and stores the release; run it in a transaction, alone or with what must be durable together with it
 * @throws as {@link deployModel}
 */
export async function prepareDeployment(
  options: DeployModelOptions,
): Promise<(store: Store) => Promise<DeploymentRecord>> {
  const { site, clock = systemClock } = options;
  const model = await findModel(site, options.model, options.version);
  if (model.retirement !== null)
    throw new BlindsightError('MODEL_RETIRED', `${model.name} version ${model.version} is retired`);
  const gateway = await findGateway(site, options.gateway);
  const { validDays } = options;
  if (validDays !== undefined && gateway.trust === null)
    throw new BlindsightError(
      'GATEWAY_TOO_OLD',
      `${gateway.name} has not said that it knows releases that expire, and older gateways refuse them`,
    );
  checkAnswerSize(model, options.maxMessageBytes);
  const signingKey = await openOwnerKey(site.store, site.vault);
  return async (store) => {
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
      parts: model.parts,
      selfTest: model.selfTest,
    };
    const bytes = signManifest(manifest, signingKey);
    const digest = manifestDigest(bytes);
    await store.deployments.add({
      digest,
      gateway: gateway.name,
      model: model.name,
      version: model.version,
      protection: 1,
      counter,
      manifest: bytes,
      createdMs,
    });
    await store.journal.add({
      timeMs: createdMs,
      level: 'info',
      code: 'MODEL_RELEASED',
      subject: gateway.name,
      message: `${model.name} version ${model.version} released to ${gateway.name} as release ${counter}`,
    });
    return (await store.deployments.get(digest))!;
  };
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
