import type { ConfigurationPreview } from '#protocol/api.ts';
import { decodeConfiguration } from '#protocol/configuration.ts';
import { BlindsightError } from '#protocol/errors.ts';
import { findGateway } from '../operations/gateways.ts';
import type { Site } from '../site.ts';
import type { Store } from '../store/store.ts';
import { checkSettings } from './check-settings.ts';
import { describeRisks } from './describe-risks.ts';
import { diffTexts } from './diff-texts.ts';
import { findConfiguration } from './find-configuration.ts';
import { sealCredentials } from './seal-credentials.ts';

export type PreviewOptions = {
  readonly site: Pick<Site, 'name' | 'store'>;
  readonly gateway: string;
  /** YAML, see `PushedSettings`. */
  readonly settings: string;
  /** How messages name the settings. */
  readonly origin: string;
  /** `user:password` by camera; nothing is kept of them. */
  readonly credentials: ReadonlyMap<string, string>;
  /** The version to compare with; where left out, the one that runs, else the newest. */
  readonly against?: number;
};

/**
 * What a push of these settings would do: the same checks as of a push, the same risks, and how they differ from another version. Keeps nothing.
 *
 * @throws BlindsightError GATEWAY_NOT_FOUND, CONFIGURATION_NOT_FOUND for `against`
 */
export async function previewConfiguration(options: PreviewOptions): Promise<ConfigurationPreview> {
  const { site, settings, origin, credentials } = options;
  const gateway = await findGateway(site, options.gateway);
  const base = await findBase(site.store, gateway.name, options.against);
  const compared = { against: base?.version ?? null, lines: diffTexts(base?.settings ?? '', settings) };
  try {
    const validated = await checkSettings(site.store, gateway.name, settings, origin);
    const risks = await describeRisks(site.store, gateway.name, validated.value);
    await sealCredentials(site, gateway, validated, credentials);
    return { error: null, risks, ...compared };
  } catch (error) {
    if (!(error instanceof BlindsightError)) throw error;
    return { error: { code: error.code, message: error.message }, risks: [], ...compared };
  }
}

async function findBase(
  store: Store,
  gateway: string,
  against?: number,
): Promise<{ readonly version: number; readonly settings: string } | null> {
  const { running } = await store.configurations.running(gateway);
  const wanted = against ?? (running === null || running === 0 ? undefined : running);
  if (wanted === undefined && (await store.configurations.newest(gateway)) === null) return null;
  const { version, wire } = await findConfiguration(store, gateway, wanted);
  return { version, settings: decodeConfiguration(wire).configuration.settings };
}
