import type { KeyObject } from 'node:crypto';
import { BlindsightError } from '#protocol/errors.ts';
import { verifyOwnerKeys } from '#protocol/owner-keys.ts';
import { publicKeyOf } from '#protocol/public-key.ts';
import { verifyRootIntroduction } from '#protocol/root-introduction.ts';
import { type Timestamp, verifyTimestamp } from '#protocol/timestamp.ts';
import { type DecodedTrust, decodeTrust } from '#protocol/trust-message.ts';

export type BelieveContext = {
  readonly site: string;
  readonly gateway: string;
  /** The root key that is known already, by the settings or by an introduction. */
  readonly rootKey: KeyObject | null;
  /** The owner key that the gateway was enrolled with. */
  readonly ownerKey: KeyObject;
};

/** What a message about trust says, where every signature in it holds. */
export type Belief = {
  readonly rootKey: KeyObject | null;
  /** Null if no root key is known: then the owner key of the enrolment is all. */
  readonly ownerKeys: {
    readonly version: number;
    readonly expiresMs: number;
    readonly keys: readonly KeyObject[];
  } | null;
  readonly timestamp: Timestamp;
};

/**
 * Follows the signatures of a message about trust: root key, list of owner keys, timestamp, all of one version, for this site and gateway. How
 * old it is, is not asked here: the same is asked of the message on disk at each start.
 *
 * @throws BlindsightError TRUST_INVALID or TRUST_FOREIGN
 */
export function believe(wire: Uint8Array, context: BelieveContext): Belief {
  const decoded = decodeTrust(wire);
  const rootKey = context.rootKey ?? introducedRoot(decoded, context);
  const ownerKeys = rootKey === null ? null : listedKeys(decoded, rootKey, context);
  const { timestamp } = decoded.timestamp;
  const keys = ownerKeys?.keys ?? [context.ownerKey];
  if (!keys.some((key) => verifyTimestamp(decoded.timestamp, key)))
    throw foreign('a timestamp is not signed by an owner key of this site');
  if (timestamp.site !== context.site || timestamp.gateway !== context.gateway)
    throw foreign(
      `a timestamp is for ${timestamp.site}/${timestamp.gateway}, this is ${context.site}/${context.gateway}`,
    );
  if (ownerKeys !== null && timestamp.ownerKeys !== ownerKeys.version)
    throw foreign(
      `a timestamp that goes with version ${timestamp.ownerKeys} of the owner keys came with version ${ownerKeys.version}`,
    );
  return { rootKey, ownerKeys, timestamp };
}

function introducedRoot(
  { introduction }: DecodedTrust,
  { site, ownerKey }: BelieveContext,
): KeyObject | null {
  if (introduction === null) return null;
  if (!verifyRootIntroduction(introduction, ownerKey) || introduction.introduction.site !== site)
    throw foreign('a root key is not introduced by the owner key that this gateway was enrolled with');
  return publicKeyOf(introduction.introduction.rootKey);
}

function listedKeys({ ownerKeys }: DecodedTrust, rootKey: KeyObject, { site }: BelieveContext) {
  if (ownerKeys === null) throw foreign('a message about trust came without the list of owner keys');
  if (!verifyOwnerKeys(ownerKeys, rootKey))
    throw foreign('a list of owner keys is not signed by the root key of this site');
  const { statement } = ownerKeys;
  if (statement.site !== site)
    throw foreign(`a list of owner keys is for site ${statement.site}, this is ${site}`);
  return {
    version: statement.version,
    expiresMs: statement.expiresMs,
    keys: statement.keys.map(publicKeyOf),
  };
}

function foreign(message: string): BlindsightError {
  return new BlindsightError('TRUST_FOREIGN', message);
}
