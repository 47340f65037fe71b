import { createHash } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { z } from 'zod';
import { writeFileAtomic } from './files.ts';

/** Each slot fills a block of the disk, so that a write that is torn damages one of them only. */
const SLOT_BYTES = 4096;
const SLOTS = 2;

const Slot = z.strictObject({
  value: z.number().int().nonnegative(),
  /** The valid slot with the higher one counts. */
  write: z.number().int().nonnegative(),
  check: z.string(),
});

function checkOf(value: number, write: number): string {
  return createHash('sha256').update(`${value} ${write}`).digest('hex').slice(0, 16);
}

function encode(value: number, write: number): Buffer {
  const text = JSON.stringify({ value, write, check: checkOf(value, write) });
  return Buffer.from(`${text.padEnd(SLOT_BYTES - 1)}\n`);
}

function decode(bytes: Buffer): { readonly value: number; readonly write: number } | null {
  try {
    const { value, write, check } = Slot.parse(JSON.parse(bytes.toString('utf8')));
    return check === checkOf(value, write) ? { value, write } : null;
  } catch {
    return null;
  }
}

/**
 * A number whose place on the disk was laid out before, so that it can also be changed while the disk is full: a file of fixed size with two slots,
 * of which a change overwrites the older one, in place and synced. After a power cut the old or the new number is there. (A file system that never
 * writes in place, such as Btrfs, may need a block all the same.)
 */
export class LaidOutNumber {
  readonly #path: string;
  #value: number;
  #write: number;
  /** Whether the file is there in its full size; it may not be where the disk was full from the beginning. */
  #isLaidOut: boolean;
  /** Resolves when the last change that was asked for has ended. */
  #tail: Promise<void> = Promise.resolve();

  private constructor(path: string, value: number, write: number, isLaidOut: boolean) {
    this.#path = path;
    this.#value = value;
    this.#write = write;
    this.#isLaidOut = isLaidOut;
  }

  /**
   * Opens the file, or lays it out. Where there is no room for it the number lives in memory, and each change tries again.
   *
   * @param initial the number where the file is missing or damaged beyond both slots
   */
  static async open(path: string, initial: () => Promise<number>): Promise<LaidOutNumber> {
    const bytes = await readFile(path).catch(() => Buffer.alloc(0));
    const slots = Array.from({ length: SLOTS }, (_, i) =>
      decode(bytes.subarray(i * SLOT_BYTES, (i + 1) * SLOT_BYTES)),
    );
    const [newest] = slots.filter((slot) => slot !== null).sort((a, b) => b.write - a.write);
    if (newest !== undefined) {
      return new LaidOutNumber(path, newest.value, newest.write, bytes.length === SLOTS * SLOT_BYTES);
    }
    const number = new LaidOutNumber(path, await initial(), 0, false);
    await number.#layOut().catch(() => {});
    return number;
  }

  get value(): number {
    return this.#value;
  }

  /** Whether the number is on the disk, in a place that it keeps. */
  get isLaidOut(): boolean {
    return this.#isLaidOut;
  }

  /** Adds in memory at once; on the disk when this resolves. Where it rejects, the next change also writes this one. */
  add(amount: number): Promise<void> {
    return this.set(this.#value + amount);
  }

  /** Changes in memory at once; on the disk when this resolves. */
  set(value: number): Promise<void> {
    this.#value = value;
    const written = this.#tail.then(() => (this.#isLaidOut ? this.#overwrite() : this.#layOut()));
    this.#tail = written.catch(() => {});
    return written;
  }

  async #overwrite(): Promise<void> {
    const write = this.#write + 1;
    const file = await open(this.#path, 'r+');
    try {
      await file.write(encode(this.#value, write), 0, SLOT_BYTES, (write % SLOTS) * SLOT_BYTES);
      await file.datasync();
    } finally {
      await file.close();
    }
    this.#write = write;
  }

  async #layOut(): Promise<void> {
    const slot = encode(this.#value, this.#write);
    await writeFileAtomic(this.#path, Buffer.concat(Array.from({ length: SLOTS }, () => slot)), {
      mode: 0o600,
    });
    this.#isLaidOut = true;
  }
}
