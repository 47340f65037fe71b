import { createHash } from 'node:crypto';
import { open, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { BlindsightError } from '#protocol/errors.ts';
import type { BundlePart } from '#protocol/manifest.ts';
import { ensureDirectory } from '#runtime/files.ts';

/** @returns bytes of a part from `offset` on, at least one unless that is the end */
export type FetchPiece = (sha256: string, offset: number) => Promise<Uint8Array>;

/** Parts of networks on the disk of an auditor, named by their digests; the least recently used go first. */
export class PartCache {
  readonly folder: string;
  readonly #maxBytes: number;

  /** @param maxBytes that stay; what one audit needs always does */
  constructor(folder: string, maxBytes: number) {
    this.folder = folder;
    this.#maxBytes = maxBytes;
  }

  /** Has these parts on the disk, fetched where they are not. @throws BlindsightError BUNDLE_DIGEST for bytes of another digest */
  async ensure(parts: readonly BundlePart[], fetch: FetchPiece): Promise<void> {
    await ensureDirectory(this.folder);
    const needed = parts.filter(({ name }) => name !== 'self-test');
    const now = new Date();
    for (const part of needed) {
      const path = join(this.folder, part.sha256);
      const found = await stat(path).catch(() => null);
      if (found?.size !== part.bytes) await this.#fetch(part, fetch);
      await utimes(path, now, now);
    }
    await this.#evict(new Set(needed.map(({ sha256 }) => sha256)));
  }

  async #fetch({ name, sha256, bytes }: BundlePart, fetch: FetchPiece): Promise<void> {
    const path = join(this.folder, sha256);
    const file = await open(`${path}.tmp`, 'w', 0o600);
    const hash = createHash('sha256');
    let size = 0;
    try {
      while (size < bytes) {
        const piece = await fetch(sha256, size);
        if (piece.length === 0) break;
        hash.update(piece);
        await file.writeFile(piece);
        size += piece.length;
      }
      await file.sync();
    } finally {
      await file.close();
    }
    if (size !== bytes || hash.digest('hex') !== sha256) {
      await rm(`${path}.tmp`, { force: true });
      throw new BlindsightError('BUNDLE_DIGEST', `part ${name} was not what its digest says`);
    }
    await rename(`${path}.tmp`, path);
  }

  async #evict(needed: ReadonlySet<string>): Promise<void> {
    const files: { readonly name: string; readonly size: number; readonly mtimeMs: number }[] = [];
    for (const name of await readdir(this.folder)) {
      // An engine that is being opened makes a folder here, and removes it at once.
      const found = await stat(join(this.folder, name)).catch(() => null);
      if (found?.isFile()) files.push({ name, size: found.size, mtimeMs: found.mtimeMs });
    }
    let total = files.reduce((sum, { size }) => sum + size, 0);
    for (const { name, size } of files.sort((a, b) => a.mtimeMs - b.mtimeMs)) {
      if (total <= this.#maxBytes) return;
      if (needed.has(name)) continue;
      await rm(join(this.folder, name), { force: true });
      total -= size;
    }
  }
}
