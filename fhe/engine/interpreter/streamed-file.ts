import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  rmdirSync,
  statfsSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { FheError } from '../../errors.ts';
import type { Address } from '../memory/arena.ts';
import type { FilePart, WindowPlan } from '../window/window.ts';

/** That the file system keeps for others. */
const SPARE_BYTES = 64 * 2 ** 20;

/**
 * The file behind a window: constants and keys as the kernel reads them, in the order of their use. It holds ciphertexts and public keys
 * only. It has no name: it is unlinked when it is made, so that nothing is left of it once its process has ended, however that ends.
 */
export class StreamedFile {
  readonly fd: number;
  /** CRC-32 of each part of the plan. */
  readonly checksums: Uint32Array;
  readonly #memory: WebAssembly.Memory;
  readonly #scratch: Address;
  readonly #byItem = new Map<number, { readonly part: FilePart; readonly index: number }[]>();
  readonly #folder: string;
  #closed = false;

  /**
   * @param scratch room for a part in memory
   * @throws FheError FHE_DISK where the folder cannot be written or has too little room
   */
  constructor(folder: string, plan: WindowPlan, memory: WebAssembly.Memory, scratch: Address) {
    this.#folder = folder;
    this.#memory = memory;
    this.#scratch = scratch;
    this.checksums = new Uint32Array(new SharedArrayBuffer(4 * plan.parts.length));
    plan.parts.forEach((part, index) => {
      const own = this.#byItem.get(part.item);
      if (own === undefined) this.#byItem.set(part.item, [{ part, index }]);
      else own.push({ part, index });
    });
    this.fd = this.#onDisk(() => {
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
  }

  /**
   * Writes all parts of an item.
   *
   * @param make writes the part for a prime to memory, at the address that it is given or another one that it returns
   */
  write(item: number, make: (position: number, at: Address) => Address): void {
    for (const { part, index } of this.#byItem.get(item) ?? []) {
      const bytes = new Uint8Array(this.#memory.buffer, make(part.position, this.#scratch), part.bytes);
      this.checksums[index] = crc32(bytes);
      this.#onDisk(() => {
        for (let done = 0; done < part.bytes; ) {
          done += writeSync(this.fd, bytes, done, part.bytes - done, part.offset + done);
        }
      });
    }
  }

  #onDisk<T>(call: () => T): T {
    try {
      return call();
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new FheError('FHE_DISK', `constants and keys cannot be written to ${this.#folder}: ${reason}`, {
        cause,
      });
    }
  }

  close(): void {
    if (!this.#closed) closeSync(this.fd);
    this.#closed = true;
  }
}
