import type { Store } from './store.ts';

/**
 * Digests of the files in a site's blob folder that its store refers to: programs of all networks, parts of the key sets that are kept, and
 * archives of software.
 */
export async function blobsInUse(store: Store): Promise<Set<string>> {
  const programs = (await store.models.list()).flatMap((model) =>
    model.parts.filter(({ name }) => name === 'program'),
  );
  const kept = (await store.protections.list()).filter((one) => (one.retirement?.clearedMs ?? null) === null);
  const files = [...programs, ...kept.flatMap(({ parts }) => parts), ...(await store.software.list())];
  return new Set(files.map(({ sha256 }) => sha256));
}
