import { availableParallelism } from 'node:os';
import type { Site } from '../site.ts';
import type { ModelRecord } from '../store/models.ts';
import type { KeySetId } from '../store/protections.ts';
import { DecryptLane } from './decrypt-lane.ts';
import type { Contents, DecryptAnswer } from './decrypt-task.ts';

export type DecryptorOptions = {
  /** Of the keys that all threads together hold at once, at least one each. */
  readonly maxBytes?: number;
  readonly threads?: number;
  /** What runs in them. */
  readonly script?: URL;
};

const SCRIPT = new URL('./decrypt-thread.ts', import.meta.url);

/** A thousand keys of the small ring, half a megabyte each; opening one again takes as long as ten answers. A thread has 4 GB for them and for the tables that they share. */
const MAX_BYTES = 512 * 2 ** 20;
const MAX_THREADS = 4;
/** A thread that is behind by more answers of one key than this shares them with another, which is given the key, too. */
const SPREAD = 8;

/** Decrypts answers in threads of its own. A key is in one thread, as long as that one keeps up. */
export class Decryptor {
  readonly #lanes: readonly DecryptLane[];

  constructor(
    site: Pick<Site, 'store' | 'vault' | 'blobs'>,
    {
      maxBytes = MAX_BYTES,
      threads = Math.min(MAX_THREADS, availableParallelism()),
      script = SCRIPT,
    }: DecryptorOptions = {},
  ) {
    const each = maxBytes / threads;
    this.#lanes = Array.from({ length: threads }, () => new DecryptLane(site, each, script));
  }

  /**
   * Makes sure that a thread holds a key, with the output policy of its network now.
   *
   * @param model the network of the key set
   * @throws BlindsightError SECRET_MISSING, SECRET_TAMPERED, BUNDLE_DAMAGED, WORKER_FAILED.
   */
  prepare(model: ModelRecord, keySet: KeySetId): Promise<void> {
    return this.#laneFor(model, keySet).prepare(model, keySet);
  }

  /**
   * Decrypts an answer under its key set, which is opened where it is not.
   *
   * @param contents what it is about, where that is not one picture: each is then judged by itself
   * @throws as {@link prepare}
   */
  decrypt(
    model: ModelRecord,
    keySet: KeySetId,
    ciphertext: Uint8Array,
    contents: Contents = {},
  ): Promise<DecryptAnswer> {
    return this.#laneFor(model, keySet).decrypt(model, keySet, ciphertext, contents);
  }

  #laneFor(model: ModelRecord, keySet: KeySetId): DecryptLane {
    const free = this.#leastBusy(this.#lanes);
    const holders = this.#lanes.filter((lane) => lane.has(model, keySet));
    if (holders.length === 0) return free;
    const holder = this.#leastBusy(holders);
    return holder.pending - free.pending > SPREAD ? free : holder;
  }

  #leastBusy(lanes: readonly DecryptLane[]): DecryptLane {
    return lanes.reduce((best, next) =>
      next.pending < best.pending || (next.pending === best.pending && next.keys < best.keys) ? next : best,
    );
  }

  async close(): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => lane.close()));
  }
}
