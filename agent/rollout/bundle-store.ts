import { constants } from 'node:fs';
import { copyFile, readdir, readFile, rename, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { BlindsightError } from '#protocol/errors.ts';
import { type BundlePart, type DecodedManifest, decodeManifest, manifestDigest } from '#protocol/manifest.ts';
import { ensureDirectory, syncFolder, writeFileAtomic } from '#runtime/files.ts';
import type { Bundle } from '../inference/bundle.ts';
import type { CheckedManifest } from './check-manifest.ts';

const MANIFEST = 'manifest';
const PARTIAL = '.partial';
const RESERVE_BYTES = 64 * 2 ** 20;

/** Bundles on disk: a folder each, named by digest; `<digest>.partial` while it is being fetched. */
export class BundleStore {
  readonly #directory: string;
  readonly #reserveBytes: number;

  /** @param reserveBytes is left free on the disk for the outbox, logs and the system */
  constructor(directory: string, reserveBytes = RESERVE_BYTES) {
    this.#directory = directory;
    this.#reserveBytes = reserveBytes;
  }

  /**
   * Makes room for a bundle and returns the folder in which its parts are collected. Other half-fetched bundles go, and where there is too little room also
   * those that wait for the machine to have what they need.
   *
   * @param needed digests of bundles that stay
   * @throws BlindsightError BUNDLE_TOO_LARGE where the disk has not enough free space
   */
  async begin(
    { digest, manifest }: CheckedManifest,
    needed: readonly (string | null)[] = [],
  ): Promise<string> {
    await ensureDirectory(this.#directory);
    for (const other of await this.partials()) {
      if (other !== digest) await rm(this.partial(other), { recursive: true, force: true });
    }
    const directory = this.partial(digest);
    await ensureDirectory(directory);
    const bytes = manifest.parts.reduce((sum, part) => sum + part.bytes, 0);
    if (bytes + this.#reserveBytes > (await this.#freeBytes())) await this.keep([digest, ...needed]);
    const free = await this.#freeBytes();
    if (bytes + this.#reserveBytes > free) {
      const megabytes = (count: number) => `${Math.ceil(count / 2 ** 20)} MB`;
      throw new BlindsightError(
        'BUNDLE_TOO_LARGE',
        `the bundle needs ${megabytes(bytes)}, the disk has ${megabytes(free)} free and must keep ${megabytes(this.#reserveBytes)}`,
      );
    }
    await this.#borrow(directory, manifest.parts);
    return directory;
  }

  async #freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.#directory);
    return bavail * bsize;
  }

  /** Parts that another bundle here has, too, need not be fetched: a release that was signed anew has the same. Checked like fetched ones. */
  async #borrow(directory: string, parts: readonly BundlePart[]): Promise<void> {
    for (const bundle of await this.complete(() => {})) {
      for (const part of bundle.manifest.parts) {
        if (!parts.some(({ name, sha256 }) => name === part.name && sha256 === part.sha256)) continue;
        // Not over a file of before: one that proved damaged is fetched.
        const mode = constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE;
        await copyFile(join(bundle.directory, part.name), join(directory, part.name), mode).catch(() => {});
      }
    }
  }

  partial(digest: string): string {
    return join(this.#directory, digest + PARTIAL);
  }

  /** Gives a completely fetched bundle its final name. */
  async finish({ digest, manifest }: CheckedManifest, wire: Uint8Array): Promise<Bundle> {
    const directory = join(this.#directory, digest);
    await writeFileAtomic(join(this.partial(digest), MANIFEST), wire);
    await rm(directory, { recursive: true, force: true });
    await rename(this.partial(digest), directory);
    await syncFolder(this.#directory);
    return { digest, directory, manifest };
  }

  /**
   * A bundle that is here, or null. Its parts are checked when it is loaded.
   *
   * @param check throws where the manifest on disk is not to be believed; so does this then
   */
  async find(digest: string, check: (decoded: DecodedManifest) => void): Promise<Bundle | null> {
    const directory = join(this.#directory, digest);
    const wire = await readFile(join(directory, MANIFEST)).catch(() => null);
    if (wire === null || manifestDigest(wire) !== digest) return null;
    const decoded = decodeManifest(wire);
    check(decoded);
    return { digest, directory, manifest: decoded.manifest };
  }

  /** Bundles that were fetched completely, where the manifest passes the check. */
  async complete(check: (decoded: DecodedManifest) => void): Promise<Bundle[]> {
    const bundles: Bundle[] = [];
    for (const digest of await this.#names()) {
      const bundle = await this.find(digest, check).catch(() => null);
      if (bundle !== null) bundles.push(bundle);
    }
    return bundles;
  }

  async remove(digest: string): Promise<void> {
    await rm(join(this.#directory, digest), { recursive: true, force: true });
    await rm(this.partial(digest), { recursive: true, force: true });
  }

  /** Digests of half-fetched bundles. */
  async partials(): Promise<string[]> {
    return (await this.#names())
      .filter((name) => name.endsWith(PARTIAL))
      .map((name) => name.slice(0, -PARTIAL.length));
  }

  /** Removes all bundles but those named. */
  async keep(digests: readonly (string | null)[]): Promise<void> {
    for (const name of await this.#names()) {
      const digest = name.endsWith(PARTIAL) ? name.slice(0, -PARTIAL.length) : name;
      if (!digests.includes(digest)) await rm(join(this.#directory, name), { recursive: true, force: true });
    }
  }

  async #names(): Promise<string[]> {
    const names = await readdir(this.#directory).catch(() => []);
    return names.filter((name) => /^[0-9a-f]{64}(\.partial)?$/.test(name));
  }
}
