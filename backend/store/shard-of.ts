/** Into so many parts the gateways of a site are divided among its decryptors. Kept in the store with what waits, so it never changes. */
export const SHARDS = 64;

/** The part that a gateway is in: FNV-1a of its name, so that neighbors in the alphabet do not end up together. */
export function shardOf(gateway: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < gateway.length; i++) hash = Math.imul(hash ^ gateway.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % SHARDS;
}
