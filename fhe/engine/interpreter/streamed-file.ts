import { closeSync, constants, mkdtempSync, openSync, rmdirSync, statfsSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { FheError } from '../../errors.ts';
import type { FilePart, WindowPlan } from '../window/window.ts';

/** A part, and its number among the parts of the plan. */
export type PlacedPart = FilePart & { readonly index: number };

/** What writing takes. Can be sent to a thread. */
export type OpenFile = {
  readonly fd: number;
  /** CRC-32 of each part of the plan. */
  readonly checksums: Uint32Array;
  /** For messages. */
  readonly folder: string;
};

/** That the file system keeps for others. */
const SPARE_BYTES = 64 * 2 ** 20;

/**
 * The file behind a window: constants and keys as the kernel reads them, in the order of their use. It holds ciphertexts and public keys
 * only. It has no name: it is unlinked when it is made, so that nothing is left of it once its process has ended, however that ends.
 */
export class StreamedFile {
  readonly open: OpenFile;
  readonly #byItem = new Map<number, PlacedPart[]>();
  #closed = false;

  /** @throws FheError FHE_DISK where the folder cannot be written or has too little room */
  constructor(folder: string, plan: WindowPlan) {
    plan.parts.forEach((part, index) => {
      const own = this.#byItem.get(part.item);
      if (own === undefined) this.#byItem.set(part.item, [{ ...part, index }]);
      else own.push({ ...part, index });
    });
    const fd = writing(folder, () => {
      const { bavail, bsize } = statfsSync(folder);
      const free = bavail * bsize;
      if (free < plan.fileBytes + SPARE_BYTES) {
        const [needed, there] = [plan.fileBytes + SPARE_BYTES, free].map((bytes) => Math.ceil(bytes / 1e6));
        throw new Error(`${needed} MB are needed, ${there} MB are free`);
      }
      const own = mkdtempSync(join(folder, '.engine-'));
      const path = join(own, 'window');
      try {
        const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600);
        unlinkSync(path);
        return fd;
      } finally {
        rmdirSync(own);
      }
    });
    this.open = { fd, checksums: new Uint32Array(new SharedArrayBuffer(4 * plan.parts.length)), folder };
  }

  /** Where the parts of an item go. */
  partsOf(item: number): readonly PlacedPart[] {
    return this.#byItem.get(item) ?? [];
  }

  close(): void {
    if (!this.#closed) closeSync(this.open.fd);
    this.#closed = true;
  }
}

/** Calls what writes to the file, or makes it. @throws FheError FHE_DISK with the folder and the reason */
export function writing<T>(folder: string, call: () => T): T {
  try {
    return call();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new FheError('FHE_DISK', `constants and keys cannot be written to ${folder}: ${reason}`, { cause });
  }
}
