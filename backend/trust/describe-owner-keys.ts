import { createPublicKey } from 'node:crypto';
import { publicKeyBytes, publicKeyId } from '#protocol/public-key.ts';
import { openOwnerKey } from '../owner-keys/owner-key.ts';
import { ownerKeyList } from '../owner-keys/owner-key-list.ts';
import { rootPublicKey } from '../owner-keys/root-key.ts';
import type { Site } from '../site.ts';

export type OwnerKeysOverview = {
  /** Id of the root key; null for a site without one. */
  readonly root: string | null;
  /** Version of the list, and when it ends; null without a root key. */
  readonly version: number | null;
  readonly expires: string | null;
  readonly keys: readonly { readonly id: string; readonly signs: boolean }[];
  readonly gateways: readonly {
    readonly gateway: string;
    /** What it said last; null before it said anything, or if its software is too old. */
    readonly version: number | null;
    readonly status: 'none' | 'fresh' | 'stale' | null;
    /** Whether its owner key can be replaced from afar; null as `version`. */
    readonly knowsRoot: boolean | null;
  }[];
};

/** Which keys count at a site, and which of them its gateways know. */
export async function describeOwnerKeys({ store, vault }: Site): Promise<OwnerKeysOverview> {
  const root = await rootPublicKey(store);
  const list = await ownerKeyList(store);
  const signing = publicKeyBytes(createPublicKey(await openOwnerKey(store, vault)));
  const keys = list?.statement.keys ?? [signing];
  return {
    root: root && publicKeyId(publicKeyBytes(root)),
    version: list?.statement.version ?? null,
    expires: list === null ? null : new Date(list.statement.expiresMs).toISOString(),
    keys: keys.map((key) => ({ id: publicKeyId(key), signs: Buffer.compare(key, signing) === 0 })),
    gateways: (await store.gateways.list()).map(({ name, trust }) => ({
      gateway: name,
      version: trust?.ownerKeys ?? null,
      status: trust?.status ?? null,
      knowsRoot: trust?.knowsRoot ?? null,
    })),
  };
}
