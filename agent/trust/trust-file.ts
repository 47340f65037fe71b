import type { KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { decodeCanonical, encodeCanonical } from '#protocol/cbor.ts';
import { publicKeyBytes, publicKeyOf } from '#protocol/public-key.ts';
import { ensureDirectory, writeFileAtomic } from '#runtime/files.ts';

/** A message that was believed, and the root key that was known then. */
export type Kept = { readonly rootKey: KeyObject | null; readonly wire: Uint8Array };

const bytes = z.instanceof(Uint8Array);
const Form = z.tuple([bytes.nullable(), bytes]);
const COPIES = ['newest', 'spare'] as const;

/** The newest believed message on disk, twice: a damaged file must not cost the keys that were replaced from afar. */
export class TrustFile {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Both copies as far as they can be read; what they say must be checked anew. */
  async read(): Promise<Kept[]> {
    const kept: Kept[] = [];
    for (const copy of COPIES) {
      const wire = await readFile(join(this.#directory, copy)).catch(() => null);
      const read = wire === null ? null : decode(wire);
      if (read !== null) kept.push(read);
    }
    return kept;
  }

  /** On disk when this resolves, at least once where it throws in between. */
  async write({ rootKey, wire }: Kept): Promise<void> {
    await ensureDirectory(this.#directory);
    const form = encodeCanonical([rootKey && publicKeyBytes(rootKey), wire]);
    for (const copy of COPIES) await writeFileAtomic(join(this.#directory, copy), form, { mode: 0o600 });
  }
}

function decode(form: Uint8Array): Kept | null {
  try {
    const [rootKey, wire] = Form.parse(decodeCanonical(Uint8Array.from(form)));
    return { rootKey: rootKey && publicKeyOf(rootKey), wire };
  } catch {
    return null;
  }
}
