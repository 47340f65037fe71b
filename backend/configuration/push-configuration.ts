import type { PushedSettings } from '#config/schema.ts';
import { decodeConfiguration, type SealedCredential, signConfiguration } from '#protocol/configuration.ts';
import { BlindsightError } from '#protocol/errors.ts';
import { type Clock, systemClock } from '#runtime/clock.ts';
import { findGateway } from '../operations/gateways.ts';
import { openOwnerKey } from '../owner-keys/owner-key.ts';
import type { Site } from '../site.ts';
import type { ConfigurationRecord } from '../store/configurations.ts';
import type { Store } from '../store/store.ts';
import { checkSettings } from './check-settings.ts';
import { describeRisks } from './describe-risks.ts';
import { findConfiguration } from './find-configuration.ts';
import { sealCredentials } from './seal-credentials.ts';
import { withoutCredentials } from './without-credentials.ts';

type Push = {
  readonly site: Pick<Site, 'name' | 'store' | 'vault'>;
  readonly gateway: string;
  /** Who pushes, for the history. */
  readonly author: string;
  /**
   * The newest version as the author knew it, 0 for none: where another was pushed meanwhile, nothing is. Where left out, whatever is newest is
   * replaced.
   */
  readonly expectedVersion?: number;
  readonly clock?: Clock;
};

export type PushOptions = Push & {
  /** YAML, see `PushedSettings`. */
  readonly settings: string;
  /** How messages name the settings, usually their file. */
  readonly origin: string;
  /** `user:password` by camera; see {@link sealCredentials} for cameras that are not in it. */
  readonly credentials?: ReadonlyMap<string, string>;
};

export type Pushed = {
  readonly record: ConfigurationRecord;
  /** What the author may not have meant; see {@link describeRisks}. */
  readonly warnings: readonly string[];
};

/** Characters of an author that are kept. */
const MAX_AUTHOR = 100;

/**
 * Gives a gateway other settings: checked as a file is, signed by the owner, with credentials that only the gateway can open. The running
 * daemon publishes them within a second; without a daemon they wait in the store.
 *
 * @throws BlindsightError GATEWAY_NOT_FOUND, CONFIG_INVALID, CAMERA_TAKEN, SEALING_KEY_MISSING, CONFIGURATION_CREDENTIAL, CAMERA_ADDRESS,
 *   CONFIGURATION_CONFLICT; nothing is pushed then
 */
export async function pushConfiguration(options: PushOptions): Promise<Pushed> {
  const { site, settings, origin, credentials = new Map() } = options;
  const gateway = await findGateway(site, options.gateway);
  const validated = await checkSettings(site.store, gateway.name, settings, origin);
  const sealed = await sealCredentials(site, gateway, validated, credentials);
  const warnings = await describeRisks(site.store, gateway.name, validated.value);
  const record = await keep(options, settings, sealed, 'pushed', validated.value);
  return { record, warnings };
}

/**
 * Pushes an earlier version anew, with the credentials that it had.
 *
 * @throws BlindsightError as {@link pushConfiguration}, and CONFIGURATION_NOT_FOUND
 */
export async function rollBackConfiguration(options: Push & { readonly version: number }): Promise<Pushed> {
  const { site, version } = options;
  const gateway = await findGateway(site, options.gateway);
  const { wire } = await findConfiguration(site.store, gateway.name, version);
  const { settings, credentials } = decodeConfiguration(wire).configuration;
  if (credentials.length > 0 && version <= gateway.sealedAfter) {
    throw new BlindsightError(
      'CONFIGURATION_CREDENTIAL',
      `the passwords in version ${version} can only be opened by the box whose place another one took: push its settings and the passwords anew`,
    );
  }
  const { value } = await checkSettings(site.store, gateway.name, settings, `version ${version}`);
  const warnings = await describeRisks(site.store, gateway.name, value);
  return {
    record: await keep(options, settings, credentials, `rolled back to version ${version}`, value),
    warnings,
  };
}

/**
 * Signs the newest settings of each gateway anew, above all that it can have seen: for a site that was restored. What nobody can apply any more
 * (a camera that belongs to another gateway since) is its gateway's to refuse.
 */
export async function repeatConfigurations(site: Push['site'], clock: Clock): Promise<void> {
  for (const { gateway, author, wire } of await site.store.configurations.current()) {
    const { settings, credentials } = decodeConfiguration(wire).configuration;
    await keep({ site, gateway, author, clock }, settings, credentials, 'repeated');
  }
}

/**
 * Pushes to the box that took a gateway's place what the one before ran, but for the passwords of cameras, which only that one could open: those cameras
 * are looked for without one until somebody pushes theirs. Call it in the transaction that replaces the gateway.
 *
 * @returns the cameras whose passwords are missing
 */
export async function carryConfiguration(
  site: Push['site'],
  gateway: string,
  clock: Clock = systemClock,
): Promise<readonly string[]> {
  const { configurations } = site.store;
  const { running } = await configurations.running(gateway);
  const carried =
    running === null || running === 0
      ? await configurations.newest(gateway)
      : await configurations.get(gateway, running);
  if (carried === null || carried.status === 'rejected' || carried.status === 'reverted') return [];
  const { settings } = decodeConfiguration(carried.wire).configuration;
  const { text, cameras } = withoutCredentials(settings);
  const options = { site, gateway, author: carried.author, clock };
  await keep(options, text, [], 'carried over to another box');
  return cameras;
}

async function keep(
  { site, gateway, author: named, expectedVersion, clock = systemClock }: Push,
  settings: string,
  credentials: readonly SealedCredential[],
  what: string,
  checked: Pick<PushedSettings, 'cameras'> = { cameras: [] },
): Promise<ConfigurationRecord> {
  const key = await openOwnerKey(site.store, site.vault);
  const author = named.trim().slice(0, MAX_AUTHOR);
  return site.store.transaction(async (store) => {
    const newest = await store.configurations.newest(gateway);
    if (expectedVersion !== undefined && (newest?.version ?? 0) !== expectedVersion)
      throw conflict(gateway, expectedVersion, newest);
    const version = (await store.configurations.nextVersion(gateway))!;
    const createdMs = clock.now();
    await reserve(store, gateway, checked, createdMs);
    const configuration = {
      schema: 1,
      site: site.name,
      gateway,
      version,
      createdMs,
      settings,
      credentials,
    } as const;
    const wire = signConfiguration(configuration, key);
    await store.configurations.add({ gateway, version, author, wire, createdMs });
    await store.journal.add({
      timeMs: createdMs,
      level: 'info',
      code: 'CONFIGURATION_PUSHED',
      subject: gateway,
      message: `version ${version} of the settings of ${gateway} was ${what} by ${author}`,
    });
    return (await store.configurations.get(gateway, version))!;
  });
}

/** The names of cameras that an owner gives a gateway are its own from now on, before it announces them: no other can claim them first. */
async function reserve(
  store: Store,
  gateway: string,
  { cameras }: Pick<PushedSettings, 'cameras'>,
  nowMs: number,
): Promise<void> {
  for (const { name } of cameras) await store.cameras.reserve(name, gateway, nowMs);
}

function conflict(gateway: string, expected: number, newest: ConfigurationRecord | null): BlindsightError {
  const base = expected === 0 ? 'the first ones' : `a change of version ${expected}`;
  const now =
    newest === null
      ? 'none were pushed yet'
      : `version ${newest.version} was pushed by ${newest.author} at ${new Date(newest.createdMs).toISOString()}`;
  return new BlindsightError(
    'CONFIGURATION_CONFLICT',
    `these settings of ${gateway} are ${base}, but ${now}`,
  );
}
