import type { KeyObject } from 'node:crypto';
import { BlindsightError } from '#protocol/errors.ts';
import { decodeSoftware, type SoftwareManifest, softwareDigest, verifySoftware } from '#protocol/software.ts';
import type { Newcomer } from '../trust/trust.ts';
import type { SoftwareState } from './software-state.ts';

export type SoftwareContext = {
  readonly ownerKeys: () => readonly KeyObject[];
  /** The gate for what was never accepted before: freshness. Throws. */
  readonly admit?: (newcomer: Newcomer) => void;
  readonly site: string;
  readonly gateway: string;
  /** Of this machine, such as `linux-arm64`. */
  readonly platform: string;
  /** Bytes of memory that are free. */
  readonly freeMemory: () => number;
};

/** A release that the owner signed for this gateway. */
export type CheckedSoftware = { readonly digest: string; readonly manifest: SoftwareManifest };

/**
 * The gate of a release, before a byte of it is fetched: signature of the owner, this site, gateway and machine, and a counter above every one
 * accepted before. The release that holds the highest counter may come again.
 *
 * @throws BlindsightError SOFTWARE_INVALID, SOFTWARE_SIGNATURE, SOFTWARE_TARGET, SOFTWARE_PLATFORM, SOFTWARE_COUNTER, SOFTWARE_MEMORY, TRUST_STALE, TRUST_OLD or
 *   TRUST_EXPIRED
 */
export function checkSoftware(
  wire: Uint8Array,
  state: Pick<SoftwareState, 'counter' | 'counterOf' | 'active'>,
  { ownerKeys, admit, site, gateway, platform, freeMemory }: SoftwareContext,
): CheckedSoftware {
  const decoded = decodeSoftware(wire);
  if (!ownerKeys().some((key) => verifySoftware(decoded, key)))
    throw new BlindsightError(
      'SOFTWARE_SIGNATURE',
      'the release is not signed by the owner of this installation',
    );
  const { manifest } = decoded;
  if (manifest.site !== site || manifest.gateway !== gateway)
    throw new BlindsightError(
      'SOFTWARE_TARGET',
      `the release is for ${manifest.site}/${manifest.gateway}, this is ${site}/${gateway}`,
    );
  if (manifest.platform !== platform)
    throw new BlindsightError(
      'SOFTWARE_PLATFORM',
      `the release is for ${manifest.platform}, this machine is ${platform}`,
    );
  const digest = softwareDigest(wire);
  const isKnown = digest === state.counterOf || digest === state.active?.digest;
  if (!isKnown && manifest.counter <= state.counter)
    throw new BlindsightError(
      'SOFTWARE_COUNTER',
      `release counter ${manifest.counter}: this gateway accepted ${state.counter} before`,
    );
  if (!isKnown) admit?.({ kind: 'software', counter: manifest.counter, expiresMs: manifest.expiresMs });
  const free = Math.floor(freeMemory() / 2 ** 20);
  if (digest !== state.active?.digest && free < manifest.memoryMegabytes)
    throw new BlindsightError(
      'SOFTWARE_MEMORY',
      `the release needs ${manifest.memoryMegabytes} MB of free memory, there are ${free} MB`,
    );
  return { digest, manifest };
}
