import { BlindsightError } from '#protocol/errors.ts';
import { type SoftwareManifest, signSoftware, softwareDigest } from '#protocol/software.ts';
import { type Clock, systemClock } from '#runtime/clock.ts';
import { findGateway } from '../operations/gateways.ts';
import { openOwnerKey } from '../owner-keys/owner-key.ts';
import type { Site } from '../site.ts';
import type { RunningSoftware, SoftwareRecord, SoftwareReleaseRecord } from '../store/software.ts';
import type { Store } from '../store/store.ts';

export type ReleaseSoftwareOptions = {
  readonly site: Pick<Site, 'name' | 'store' | 'vault'>;
  readonly gateway: string;
  readonly version: string;
  readonly clock?: Clock;
};

/** For unpacking beside the program that runs: the new one starts only after that has ended, in its memory. */
const MEMORY_MEGABYTES = 128;

/**
 * Everything about a release of software to one gateway that can be refused. The archive is the one for the machine that the gateway says it is.
 *
 * @returns signs and stores the release; run it in a transaction, alone or with what must be durable together with it
 * @throws BlindsightError GATEWAY_NOT_FOUND, SOFTWARE_NOT_FOUND, GATEWAY_MACHINE, SECRET_MISSING.
 */
export async function prepareSoftwareRelease(
  options: ReleaseSoftwareOptions,
): Promise<(store: Store) => Promise<SoftwareReleaseRecord>> {
  const { site, version, clock = systemClock } = options;
  const gateway = await findGateway(site, options.gateway);
  const running = (await site.store.software.running()).find((one) => one.gateway === gateway.name);
  const archive = chooseArchive(await site.store.software.list(), version, running ?? null, gateway.name);
  const signingKey = await openOwnerKey(site.store, site.vault);
  return async (store) => {
    const { platform, sha256, bytes, contents } = archive;
    // Somebody may have removed it since.
    if ((await store.software.get(version, platform))?.sha256 !== sha256) throw notFound(version, []);
    const counter = (await store.software.nextCounter(gateway.name))!;
    const createdMs = clock.now();
    const manifest: SoftwareManifest = {
      schema: 1,
      site: site.name,
      gateway: gateway.name,
      version,
      counter,
      createdMs,
      platform,
      archive: { bytes, sha256 },
      contents,
      memoryMegabytes: MEMORY_MEGABYTES,
    };
    const wire = signSoftware(manifest, signingKey);
    const digest = softwareDigest(wire);
    await store.software.release({
      ...{ digest, gateway: gateway.name, version, platform, counter, manifest: wire, createdMs },
    });
    await store.journal.add({
      timeMs: createdMs,
      level: 'info',
      code: 'SOFTWARE_RELEASED',
      subject: gateway.name,
      message: `software ${version} released to ${gateway.name} as release ${counter}`,
    });
    return (await store.software.getRelease(digest))!;
  };
}

/**
 * The archive of a version for the machine of a gateway.
 *
 * @throws BlindsightError SOFTWARE_NOT_FOUND, GATEWAY_MACHINE where the gateway has not said what machine it is.
 */
export function chooseArchive(
  archives: readonly SoftwareRecord[],
  version: string,
  running: RunningSoftware | null,
  gateway: string,
): SoftwareRecord {
  const platforms = archives.filter((one) => one.version === version);
  if (platforms.length === 0) throw notFound(version, archives);
  if (running?.platform == null)
    throw new BlindsightError(
      'GATEWAY_MACHINE',
      `${gateway} has not said what machine it is, and that its software can be updated`,
    );
  const archive = platforms.find(({ platform }) => platform === running.platform);
  if (archive !== undefined) return archive;
  const there = platforms.map(({ platform }) => platform).join(', ');
  throw new BlindsightError(
    'SOFTWARE_NOT_FOUND',
    `${gateway} is a ${running.platform}, and software ${version} is there for ${there} only`,
  );
}

function notFound(version: string, archives: readonly SoftwareRecord[]): BlindsightError {
  const there = [...new Set(archives.map((one) => one.version))].join(', ');
  const instead = there === '' ? 'none was added' : `there are: ${there}`;
  return new BlindsightError('SOFTWARE_NOT_FOUND', `there is no software ${version}; ${instead}`);
}

/**
 * Signs the newest software release of each gateway anew, above all that it can have seen: for a site that was restored.
 *
 * @returns what could not be repeated, and why
 */
export async function repeatSoftware(
  site: Pick<Site, 'name' | 'store' | 'vault'>,
  clock: Clock,
): Promise<readonly string[]> {
  const failed: string[] = [];
  for (const { gateway, version } of await site.store.software.current()) {
    try {
      await site.store.transaction(await prepareSoftwareRelease({ site, gateway, version, clock }));
    } catch (error) {
      if (!(error instanceof BlindsightError)) throw error;
      failed.push(`software ${version} to ${gateway}: ${error.message}`);
    }
  }
  return failed;
}
