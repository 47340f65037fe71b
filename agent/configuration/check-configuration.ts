import type { KeyObject } from 'node:crypto';
import { PushedSettings } from '#config/schema.ts';
import { validateConfig } from '#config/validate.ts';
import { type Configuration, decodeConfiguration, verifyConfiguration } from '#protocol/configuration.ts';
import { openCredential } from '#protocol/credential-seal.ts';
import { BlindsightError } from '#protocol/errors.ts';
import type { Newcomer } from '../trust/trust.ts';
import type { CheckedVersion } from './version-store.ts';

/** Whose configurations are taken. */
export type ConfigurationReader = {
  readonly site: string;
  readonly gateway: string;
  /** Keys that the owner signs with now; each is as good as the others. */
  readonly ownerKeys: () => readonly KeyObject[];
  /** The gate for what was never accepted before: freshness. Throws. */
  readonly admit?: (newcomer: Newcomer) => void;
  /** X25519 */
  readonly sealingKey: KeyObject | null;
};

/**
 * Decodes what came on `desired`. Nothing in it may be believed before this returns.
 *
 * @throws BlindsightError CONFIGURATION_INVALID for bytes that are none, CONFIGURATION_FOREIGN for one of another owner, site or gateway
 */
export function authenticate(wire: Uint8Array, reader: ConfigurationReader): Configuration {
  const decoded = decodeConfiguration(wire);
  const { site, gateway } = decoded.configuration;
  if (!reader.ownerKeys().some((key) => verifyConfiguration(decoded, key)))
    throw new BlindsightError(
      'CONFIGURATION_FOREIGN',
      'a configuration was not signed by the owner of this site',
    );
  if (site !== reader.site || gateway !== reader.gateway)
    throw new BlindsightError(
      'CONFIGURATION_FOREIGN',
      `a configuration is for gateway ${gateway} of ${site}, this is ${reader.gateway} of ${reader.site}`,
    );
  return decoded.configuration;
}

/**
 * Checks an authenticated configuration as a file is checked, and opens its credentials.
 *
 * @throws BlindsightError CONFIG_INVALID with line and path of what was pushed; CONFIGURATION_CREDENTIAL where a camera's are missing, or do
 *   not open here
 */
export async function checkConfiguration(
  { version, settings, credentials }: Configuration,
  { site, gateway, sealingKey }: ConfigurationReader,
): Promise<Omit<CheckedVersion, 'wire'>> {
  const { value } = validateConfig(settings, PushedSettings, `version ${version}`);
  const opened = new Map<string, string>();
  for (const camera of value.cameras) {
    if (camera.credentials === undefined) continue;
    const { name } = camera;
    if (sealingKey === null)
      throw new BlindsightError(
        'CONFIGURATION_CREDENTIAL',
        `camera ${name}: this gateway has no key that opens credentials (identity.sealingKey in agent.yaml)`,
      );
    const sealed = credentials.find((one) => one.camera === name)?.sealed;
    if (sealed === undefined)
      throw new BlindsightError(
        'CONFIGURATION_CREDENTIAL',
        `camera ${name}: its credentials did not come along`,
      );
    opened.set(name, await openCredential(sealingKey, sealed, { site, gateway, camera: name }));
  }
  return { version, settings, credentials: opened };
}
