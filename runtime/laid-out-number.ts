import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { z } from 'zod';
import { writeFileAtomic } from './files.ts';

/** On descriptors, because whoever holds a file of `fs/promises` for ever is told to close it. */
const [open, look, overwrite, sync, close] = [
  promisify(fs.open),
  promisify(fs.fstat),
  promisify(fs.write),
  promisify(fs.fdatasync),
  promisify(fs.close),
];

/** Each slot fills a block of the disk, so that a torn write damages only one of them. */
const SLOT_BYTES = 4096;
const SLOTS = 2;

const Slot = z.strictObject({
  value: z.number().int().nonnegative(),
  /** The valid slot with the higher value counts. */
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
 * A number with preallocated space on the disk, so that it can be changed even while the disk is full: a file of fixed size with two slots;
 * a change overwrites the older one, in place and synced. After a power cut, either the old or the new number is there. (A file system that never
 * writes in place, such as Btrfs, may still need a block.)
 */
export class LaidOutNumber {
  readonly #path: string;
  #value: number;
  #write: number;
  /** Whether the file exists in its full size; it may not if the disk was full from the start. */
  #isLaidOut: boolean;
  /** Of the file, where it is held; for as long as the process lives. */
  #descriptor: number | null = null;
  readonly #isHeld: boolean;
  /** Resolves when the last requested change is done. */
  #tail: Promise<void> = Promise.resolve();

  private constructor(path: string, value: number, write: number, isLaidOut: boolean, isHeld: boolean) {
    this.#isHeld = isHeld;
    this.#path = path;
    this.#value = value;
    this.#write = write;
    this.#isLaidOut = isLaidOut;
  }

  /**
   * Opens or preallocates the file. If there is no room for it, the number is kept in memory, and each change tries again.
   *
   * @param initial the number if the file is missing or both slots are damaged
   * @param isHeld whether the file stays open, so that the number changes on the disk also while the process is out of descriptors
   */
  static async open(
    path: string,
    initial: () => Promise<number>,
    { isHeld = false } = {},
  ): Promise<LaidOutNumber> {
    const bytes = await readFile(path).catch(() => Buffer.alloc(0));
    const slots = Array.from({ length: SLOTS }, (_, i) =>
      decode(bytes.subarray(i * SLOT_BYTES, (i + 1) * SLOT_BYTES)),
    );
    const [newest] = slots.filter((slot) => slot !== null).sort((a, b) => b.write - a.write);
    if (newest !== undefined) {
      const isLaidOut = bytes.length === SLOTS * SLOT_BYTES;
      const found = new LaidOutNumber(path, newest.value, newest.write, isLaidOut, isHeld);
      await found.#hold();
      return found;
    }
    const number = new LaidOutNumber(path, await initial(), 0, false, isHeld);
    await number.#layOut().catch(() => {});
    return number;
  }

  get value(): number {
    return this.#value;
  }

  /** Whether the number is on the disk, in its preallocated space. */
  get isLaidOut(): boolean {
    return this.#isLaidOut;
  }

  /** Adds in memory immediately; on the disk when this resolves. If it rejects, the next change also writes this one. */
  add(amount: number): Promise<void> {
    return this.set(this.#value + amount);
  }

  /** Changes in memory immediately; on the disk when this resolves. */
  set(value: number): Promise<void> {
    this.#value = value;
    const written = this.#tail.then(() => (this.#isLaidOut ? this.#overwrite() : this.#layOut()));
    this.#tail = written.catch(() => {});
    return written;
  }

  async #overwrite(): Promise<void> {
    const write = this.#write + 1;
    const held = await this.#held();
    const file = held ?? (await open(this.#path, 'r+'));
    try {
      await overwrite(file, encode(this.#value, write), 0, SLOT_BYTES, (write % SLOTS) * SLOT_BYTES);
      await sync(file);
    } finally {
      if (held === null) await close(file);
    }
    this.#write = write;
  }

  /** The file that is held, if it is still the one at its path. */
  async #held(): Promise<number | null> {
    return this.#descriptor !== null && (await look(this.#descriptor)).nlink > 0 ? this.#descriptor : null;
  }

  /** Where it cannot be opened, each change opens it. */
  async #hold(): Promise<void> {
    if (this.#isHeld && this.#isLaidOut) this.#descriptor = await open(this.#path, 'r+').catch(() => null);
  }

  async #layOut(): Promise<void> {
    const slot = encode(this.#value, this.#write);
    await writeFileAtomic(this.#path, Buffer.concat(Array.from({ length: SLOTS }, () => slot)), {
      mode: 0o600,
    });
    this.#isLaidOut = true;
    await this.#hold();
  }
}
