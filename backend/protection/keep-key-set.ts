import type { BundlePart } from '#protocol/manifest.ts';
import { SECRETS } from '../sealing/identities.ts';
import type { Site } from '../site.ts';
import type { KeySetId } from '../store/protections.ts';
import type { Store } from '../store/store.ts';
import type { ProtectedNetwork } from './protect-task.ts';

/** What is kept of the further keys of a network. */
export type KeyMaterial = Pick<ProtectedNetwork, 'parts' | 'secretKey' | 'resultSecretKey' | 'selfTest'> & {
  /** Key of the one that the weights were marked with. */
  readonly fingerprint: Uint8Array;
};

/**
 * Keeps further keys of a network. The parts become files at once; the rest is done by what is returned, in one transaction: before it, there is
 * no key set and no secret of it, and files that nothing refers to are swept up some day.
 *
 * @param program the part that all key sets of the network have in common
 * @returns keeps keys (sealed) and record; the secret keys are overwritten with zeros
 */
export async function prepareKeySet(
  { blobs, vault }: Pick<Site, 'blobs' | 'vault'>,
  id: KeySetId,
  program: BundlePart,
  { parts: made, secretKey, resultSecretKey, selfTest, fingerprint }: KeyMaterial,
): Promise<(store: Store, gateway: string | null, nowMs: number) => Promise<void>> {
  const parts: BundlePart[] = [program];
  for (const { name, bytes } of made) {
    if (name === 'program') continue;
    parts.push({ name, bytes: bytes.length, sha256: await blobs.put(bytes) });
  }
  return async (store, gateway, nowMs) => {
    await vault.keep(store, SECRETS.keySetSecretKey(id), secretKey, nowMs);
    if (resultSecretKey !== null)
      await vault.keep(store, SECRETS.keySetResultSecretKey(id), resultSecretKey, nowMs);
    await vault.keep(store, SECRETS.keySetFingerprint(id), fingerprint, nowMs);
    await store.protections.add({ ...id, createdMs: nowMs, gateway, parts, selfTest });
    const { model, version, number } = id;
    await store.journal.add({
      timeMs: nowMs,
      level: 'info',
      code: 'KEY_SET_MADE',
      subject: gateway ?? model,
      message: `key set ${number} of ${model} version ${version} was made${gateway === null ? '' : ` for ${gateway}`}`,
    });
  };
}
