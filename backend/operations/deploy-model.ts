import { createPrivateKey } from 'node:crypto';
import { type Manifest, manifestDigest, signManifest } from '#protocol/manifest.ts';
import { type Clock, systemClock } from '#runtime/clock.ts';
import { SECRETS } from '../sealing/identities.ts';
import type { Site } from '../site.ts';
import type { DeploymentRecord } from '../store/deployments.ts';
import { findGateway } from './gateways.ts';
import { findModel } from './models.ts';

export type DeployModelOptions = {
  readonly site: Site;
  readonly model: string;
  /** The newest where left out. An older one is a rollback, and a new release like any other. */
  readonly version?: number;
  readonly gateway: string;
  readonly clock?: Clock;
};

/**
 * Releases a model to a gateway: a signed manifest with the gateway's next counter. The running daemon sees it within a
 * second and publishes it; without a daemon it waits in the store.
 *
 * @throws BlindsightError MODEL_NOT_FOUND, GATEWAY_NOT_FOUND, SECRET_MISSING.
 */
export async function deployModel(options: DeployModelOptions): Promise<DeploymentRecord> {
  const { site, clock = systemClock } = options;
  const model = await findModel(site, options.model, options.version);
  const gateway = await findGateway(site, options.gateway);
  const pem = await site.vault.fetch(site.store, SECRETS.ownerSigningKey);
  const signingKey = createPrivateKey(Buffer.from(pem));
  pem.fill(0);
  return site.store.transaction(async (store) => {
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
  });
}

/** All releases, by gateway and counter. */
export function listDeployments(site: Site): Promise<DeploymentRecord[]> {
  return site.store.deployments.list();
}
