import type { KeyObject } from 'node:crypto';
import { BlindsightError } from '#protocol/errors.ts';
import {
  type BundlePartName,
  type DecodedManifest,
  decodeManifest,
  type Manifest,
  manifestDigest,
  verifyManifest,
} from '#protocol/manifest.ts';
import type { Newcomer } from '../trust/trust.ts';
import type { RolloutState } from './rollout-state.ts';

export type ManifestContext = {
  /** Keys that the owner signs with now; each is as good as the others. */
  readonly ownerKeys: () => readonly KeyObject[];
  /** The gate for what was never accepted before: freshness. Throws. */
  readonly admit?: (newcomer: Newcomer) => void;
  readonly site: string;
  readonly gateway: string;
  /** Beside the default one, which it is where left out. */
  readonly network?: string | undefined;
  readonly state: RolloutState;
  /** Highest release counter ever accepted, as it is remembered apart from the state. */
  readonly floor?: number;
};

/** Whose manifests a network runs. */
export type ManifestOwner = Pick<ManifestContext, 'ownerKeys' | 'site' | 'gateway' | 'network'>;

/** A manifest that the owner signed for this gateway. */
export type CheckedManifest = { readonly digest: string; readonly manifest: Manifest };

/** Most bytes of each part that a gateway takes, whatever the owner signed. */
export const PART_LIMITS: Readonly<Record<BundlePartName, number>> = {
  program: 32 * 2 ** 20,
  'public-key': 64 * 2 ** 20,
  constants: 2 ** 30,
  'evaluation-keys': 2 ** 30,
  'self-test': 256 * 2 ** 20,
};

/**
 * The gate of a bundle, before a single part is fetched: signature of the owner, this site and gateway, sizes, and a
 * release counter above every one accepted before, under a fresh timestamp. The bundle that holds the highest counter may come again.
 *
 * @throws BlindsightError MANIFEST_INVALID, BUNDLE_SIGNATURE, BUNDLE_TARGET, BUNDLE_TOO_LARGE, BUNDLE_COUNTER, TRUST_STALE, TRUST_OLD or
 *   TRUST_EXPIRED
 */
export function checkManifest(wire: Uint8Array, context: ManifestContext): CheckedManifest {
  const { state, floor = 0 } = context;
  const decoded = decodeManifest(wire);
  checkOwner(decoded, context);
  const { manifest } = decoded;
  for (const part of manifest.parts) {
    if (part.bytes > PART_LIMITS[part.name]) {
      throw new BlindsightError(
        'BUNDLE_TOO_LARGE',
        `part ${part.name} has ${part.bytes} bytes, at most ${PART_LIMITS[part.name]} are accepted`,
      );
    }
  }
  const digest = manifestDigest(wire);
  const known = digest === state.active || digest === state.counterOf;
  if (!known) {
    // What was lost with the state file is remembered apart from it: the newest itself may come again.
    if (manifest.counter <= state.counter || manifest.counter < floor) {
      throw new BlindsightError(
        'BUNDLE_COUNTER',
        `release counter ${manifest.counter}: this gateway accepted ${Math.max(state.counter, floor)} before`,
      );
    }
    const { counter, expiresMs } = manifest;
    context.admit?.({ kind: 'release', network: context.network, counter, expiresMs });
  }
  return { digest, manifest };
}

/**
 * Whether a manifest is the owner's, for this gateway and network: what must hold also of one that is on the disk since long.
 *
 * @throws BlindsightError BUNDLE_SIGNATURE or BUNDLE_TARGET
 */
export function checkOwner(
  decoded: DecodedManifest,
  { ownerKeys, site, gateway, network }: ManifestOwner,
): void {
  if (!ownerKeys().some((key) => verifyManifest(decoded, key))) {
    throw new BlindsightError(
      'BUNDLE_SIGNATURE',
      'the manifest is not signed by the owner of this installation',
    );
  }
  const { manifest } = decoded;
  if (manifest.site !== site || manifest.gateway !== gateway) {
    throw new BlindsightError(
      'BUNDLE_TARGET',
      `the bundle is for ${manifest.site}/${manifest.gateway}, this is ${site}/${gateway}`,
    );
  }
  if (network === undefined ? manifest.beside === true : !manifest.beside || manifest.model !== network) {
    const words = (name: string | undefined) =>
      name === undefined ? 'the default network' : `network ${name}`;
    const place = manifest.beside ? manifest.model : undefined;
    throw new BlindsightError(
      'BUNDLE_TARGET',
      `the bundle is for ${words(place)}, this is ${words(network)}`,
    );
  }
}
