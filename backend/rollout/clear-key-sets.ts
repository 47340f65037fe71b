import type { Site } from '../site.ts';
import { blobsInUse } from '../store/blobs-in-use.ts';

/** What was written within this time may belong to a network or a key set that is about to be stored. */
const YOUNG_MS = 86_400_000;

/**
 * Removes files that the store does not refer to any more: those of key sets whose answers are refused, and what was left by processes that ended in
 * between. Secret keys stay, sealed: they are small, and old answers may be looked into.
 *
 * @returns how many key sets were given up, and files removed
 */
export async function clearKeySets(
  { store, blobs }: Pick<Site, 'store' | 'blobs'>,
  nowMs: number,
): Promise<{ readonly keySets: number; readonly files: number }> {
  let keySets = 0;
  await store.transaction(async (inside) => {
    const current = new Set(
      (await inside.deployments.current()).map((one) => `${one.model}/${one.version}/${one.protection}`),
    );
    for (const keySet of await inside.protections.list()) {
      const { model, version, number, retirement } = keySet;
      if (retirement === null || retirement.clearedMs !== null || nowMs < retirement.refusedFromMs) continue;
      // A gateway that did not get others yet can fetch them.
      if (current.has(`${model}/${version}/${number}`)) continue;
      if (await inside.protections.setCleared(keySet, nowMs)) keySets += 1;
    }
    if (keySets === 0) return;
    await inside.journal.add({
      timeMs: nowMs,
      level: 'info',
      code: 'KEY_SETS_CLEARED',
      subject: 'disk',
      message: `files of ${keySets} retired key set(s) are removed`,
    });
  });
  const files = await blobs.sweep(() => blobsInUse(store), nowMs - YOUNG_MS);
  return { keySets, files };
}
