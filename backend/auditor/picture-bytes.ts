import { decodeProgram } from '#fhe';
import { BlindsightError } from '#protocol/errors.ts';
import { decodeManifest } from '#protocol/manifest.ts';
import type { Site } from '../site.ts';

/** How many bytes the pictures of one answer have, by release, from its public program; each program is read once. */
export class PictureBytes {
  readonly #site: Pick<Site, 'store' | 'blobs'>;
  readonly #known = new Map<string, number>();

  constructor(site: Pick<Site, 'store' | 'blobs'>) {
    this.#site = site;
  }

  /** @throws BlindsightError BUNDLE_DAMAGED for a release that is not known, or whose program is not there */
  async get(bundle: string): Promise<number> {
    const known = this.#known.get(bundle);
    if (known !== undefined) return known;
    const { store, blobs } = this.#site;
    const deployment = await store.deployments.get(bundle);
    const parts = deployment === null ? [] : decodeManifest(deployment.manifest).manifest.parts;
    const part = parts.find(({ name }) => name === 'program');
    if (part === undefined)
      throw new BlindsightError('BUNDLE_DAMAGED', `the release ${bundle} has no program`);
    const { picture, regions = 1 } = decodeProgram(await blobs.get(part.sha256));
    const bytes = regions * picture.channels * picture.height * picture.width;
    this.#known.set(bundle, bytes);
    return bytes;
  }
}
