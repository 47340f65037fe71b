import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { Name } from '#protocol/names.ts';
import { isDiskFull } from '#runtime/disk-full.ts';
import { writeFileAtomic } from '#runtime/files.ts';

/** Fields that a later version of the program added are left out. */
const Stored = z.object({ cameras: z.array(Name) });

/**
 * Cameras whose retained state may stand at the broker, on disk before it can: so that a camera that left the configuration, also while this
 * gateway was off, does not seem to stand there for ever.
 */
export class CameraList {
  readonly #path: string;
  #present: ReadonlySet<string>;
  #known: ReadonlySet<string>;
  #writing: Promise<void> = Promise.resolve();

  private constructor(path: string, present: ReadonlySet<string>, known: ReadonlySet<string>) {
    this.#path = path;
    this.#present = present;
    this.#known = known;
  }

  /**
   * @param cameras those of the configuration. A damaged list is begun anew, and one that a full disk does not take lives in memory: it is no
   * more than housekeeping.
   */
  static async open(path: string, cameras: readonly string[]): Promise<CameraList> {
    const stored = await readNames(path);
    const list = new CameraList(path, new Set(cameras), new Set([...stored, ...cameras]));
    if (list.#known.size > stored.length) {
      await list.#write().catch((error: unknown) => {
        if (!isDiskFull(error)) throw error;
      });
    }
    return list;
  }

  /** Other cameras from now on; those that are new are on disk when this resolves, unless the disk is full. */
  async setCameras(cameras: readonly string[]): Promise<void> {
    this.#present = new Set(cameras);
    const known = new Set([...this.#known, ...cameras]);
    const grew = known.size > this.#known.size;
    this.#known = known;
    if (!grew) return;
    await this.#write().catch((error: unknown) => {
      if (!isDiskFull(error)) throw error;
    });
  }

  /** Cameras that are gone, but whose state may still be retained. */
  get gone(): string[] {
    return [...this.#known].filter((camera) => !this.#present.has(camera));
  }

  /** The retained state of a camera that is gone was cleared. */
  async forget(camera: string): Promise<void> {
    if (this.#present.has(camera)) return;
    this.#known = new Set([...this.#known].filter((known) => known !== camera));
    await this.#write();
  }

  #write(): Promise<void> {
    this.#writing = this.#writing
      .catch(() => {})
      .then(() => writeFileAtomic(this.#path, JSON.stringify({ cameras: [...this.#known] })));
    return this.#writing;
  }
}

async function readNames(path: string): Promise<string[]> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  try {
    return Stored.parse(JSON.parse(text)).cameras;
  } catch {
    return [];
  }
}
