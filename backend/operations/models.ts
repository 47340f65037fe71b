import { decodeProgram, verifyProgram } from '#fhe';
import { listProgram } from '#fhe/design';
import { BlindsightError } from '#protocol/errors.ts';
import type { Site } from '../site.ts';
import type { ModelRecord } from '../store/models.ts';

/** All protected networks, by name and version. */
export function listModels(site: Pick<Site, 'store'>): Promise<ModelRecord[]> {
  return site.store.models.list();
}

/**
 * @param version the newest where left out.
 * @throws BlindsightError MODEL_NOT_FOUND.
 */
export async function findModel(
  site: Pick<Site, 'store'>,
  name: string,
  version?: number,
): Promise<ModelRecord> {
  const model = await site.store.models.get(name, version);
  if (model === null) {
    throw new BlindsightError('MODEL_NOT_FOUND', await missing(site, name, version));
  }
  return model;
}

/** What is not there, and what there is instead. */
async function missing(
  site: Pick<Site, 'store'>,
  name: string,
  version: number | undefined,
): Promise<string> {
  const models = await listModels(site);
  const versions = models.filter((model) => model.name === name).map((model) => model.version);
  if (version !== undefined && versions.length > 0)
    return `there is no version ${version} of ${name}; there are: ${versions.join(', ')}`;
  const names = [...new Set(models.map((model) => model.name))].join(', ');
  return `there is no protected network ${name}; ${names === '' ? 'none is protected yet' : `there are: ${names}`}`;
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
  return { ...model, listing: listProgram(verifyProgram(decodeProgram(await site.blobs.get(part.sha256)))) };
}
