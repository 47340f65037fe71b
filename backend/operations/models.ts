import { decodeProgram } from '#fhe/program/codec.ts';
import { listProgram } from '#fhe/program/listing.ts';
import { BlindsightError } from '#protocol/errors.ts';
import type { Site } from '../site.ts';
import type { ModelRecord } from '../store/models.ts';

/** All protected networks, by name and version. */
export function listModels(site: Site): Promise<ModelRecord[]> {
  return site.store.models.list();
}

/**
 * @param version the newest where left out.
 * @throws BlindsightError MODEL_NOT_FOUND.
 */
export async function findModel(site: Site, name: string, version?: number): Promise<ModelRecord> {
  const model = await site.store.models.get(name, version);
  if (model === null) {
    const wanted = version === undefined ? name : `${name} version ${version}`;
    throw new BlindsightError('MODEL_NOT_FOUND', `there is no protected network ${wanted}`);
  }
  return model;
}

/** A model with a readable listing of its ciphertext program. @throws BlindsightError MODEL_NOT_FOUND, BUNDLE_DAMAGED. */
export async function showModel(
  site: Site,
  name: string,
  version?: number,
): Promise<ModelRecord & { readonly listing: string }> {
  const model = await findModel(site, name, version);
  const part = model.parts.find((candidate) => candidate.name === 'program');
  if (part === undefined) throw new BlindsightError('BUNDLE_DAMAGED', `${name} has no program`);
  return { ...model, listing: listProgram(decodeProgram(await site.blobs.get(part.sha256))) };
}
