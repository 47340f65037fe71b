import { keyBytes } from '#fhe/secret';
import { BlindsightError } from '#protocol/errors.ts';
import { TaskThread } from '#runtime/threads/task-thread.ts';
import { SECRETS } from '../sealing/identities.ts';
import type { Site } from '../site.ts';
import type { ModelRecord } from '../store/models.ts';
import type { KeySetId } from '../store/protections.ts';
import type {
  AnswerRing,
  Contents,
  DecryptAnswer,
  DecryptOutcome,
  DecryptTask,
  ToDecrypt,
} from './decrypt-task.ts';

/** A key that the thread holds or is given. */
type Open = { readonly done: Promise<void>; isOpen: boolean; bytes: number };

/** Of the first answer of most programs: level 0, and the one for keys. */
const FEWEST_PRIMES = 2;

/** An answer that is given to the thread with the others of this moment. */
type Waiting = ToDecrypt & Pick<PromiseWithResolvers<DecryptAnswer>, 'resolve' | 'reject'>;

/**
 * A thread that decrypts answers, each under the key set that it was computed with. Secret keys are unsealed on the way there and wiped here;
 * the one that was not used for longest makes room, and is closed there.
 */
export class DecryptLane {
  readonly #site: Pick<Site, 'store' | 'vault' | 'blobs'>;
  readonly #maxBytes: number;
  readonly #thread: TaskThread;
  /** What the thread of this generation has, least recently used first. */
  readonly #open = new Map<string, Open>();
  /** What a key of a network takes in memory, once one was open. */
  readonly #keyBytes = new Map<string, number>();
  #generation = -1;
  #closed = false;
  #pending = 0;
  #waiting: Waiting[] = [];

  /**
   * @param maxBytes of the keys that the thread holds at once; one it holds in any case
   * @param script of the thread
   */
  constructor(site: Pick<Site, 'store' | 'vault' | 'blobs'>, maxBytes: number, script: URL) {
    this.#thread = new TaskThread('decrypt', script);
    this.#site = site;
    this.#maxBytes = maxBytes;
  }

  /** Answers that it has not decrypted yet. */
  get pending(): number {
    return this.#pending;
  }

  /** Keys that it holds, or is given. */
  get keys(): number {
    return this.#open.size;
  }

  /** Whether it holds this key, or is given it. */
  has(model: ModelRecord, keySet: KeySetId): boolean {
    return this.#open.has(nameOf(model, keySet));
  }

  /**
   * Makes sure that the thread holds a key, with the output policy of its network now.
   *
   * @param model the network of the key set
   * @throws BlindsightError SECRET_MISSING, SECRET_TAMPERED, BUNDLE_DAMAGED, WORKER_FAILED.
   */
  async prepare(model: ModelRecord, keySet: KeySetId): Promise<void> {
    const name = nameOf(model, keySet);
    for (;;) {
      const known = this.#find(name);
      if (known !== undefined) return known.done;
      if (this.#open.size === 0 || this.#bytes + this.#bytesOf(model) <= this.#maxBytes) break;
      await this.#closeOldest();
    }
    const opening: Open = {
      done: this.#openKey(name, model, keySet).then((bytes) => {
        opening.isOpen = true;
        opening.bytes = bytes;
        this.#keyBytes.set(networkOf(model), bytes);
      }),
      ...{ isOpen: false, bytes: this.#bytesOf(model) },
    };
    this.#open.set(name, opening);
    try {
      await opening.done;
    } catch (error) {
      if (this.#open.get(name) === opening) this.#open.delete(name);
      throw error;
    }
  }

  get #bytes(): number {
    return [...this.#open.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Until the thread has told, as if answers were in the ring of the network, which is the larger one. */
  #bytesOf(model: ModelRecord): number {
    return this.#keyBytes.get(networkOf(model)) ?? keyBytes(model.ringDegree, FEWEST_PRIMES);
  }

  /** A key that is open or about to be, as the one that was used last. A thread that died has taken all of them with it. */
  #find(name: string): Open | undefined {
    this.#thread.start();
    if (this.#thread.generation !== this.#generation) {
      this.#generation = this.#thread.generation;
      this.#open.clear();
    }
    const found = this.#open.get(name);
    if (found === undefined) return undefined;
    this.#open.delete(name);
    this.#open.set(name, found);
    return found;
  }

  /** The thread takes tasks in the order in which they are given: what was to be decrypted under the key is, before it is closed. */
  async #closeOldest(): Promise<void> {
    const [keySet, oldest] = this.#open.entries().next().value!;
    if (!oldest.isOpen) return oldest.done.catch(() => {});
    this.#open.delete(keySet);
    this.#flush();
    const task: DecryptTask = { kind: 'close', keySet };
    // Where the thread has died, so has the key.
    this.#thread.run(task).catch(() => {});
  }

  /** @returns what it takes in memory, bytes */
  async #openKey(name: string, model: ModelRecord, keySet: KeySetId): Promise<number> {
    const part = model.parts.find((candidate) => candidate.name === 'program');
    if (part === undefined) throw new BlindsightError('BUNDLE_DAMAGED', `${name} has no program`);
    const { store, vault, blobs } = this.#site;
    const program = await blobs.get(part.sha256);
    const { ring, identity } = await this.#answerKey(keySet);
    const secretKey = owned(await vault.fetch(store, identity));
    const task: DecryptTask = {
      kind: 'open',
      keySet: name,
      program,
      ring,
      secretKey,
      interpretation: model.interpretation,
      output: model.output,
    };
    if (this.#closed) {
      secretKey.fill(0);
      throw new BlindsightError('WORKER_FAILED', 'the decryptor was closed');
    }
    // Transferred, not copied: no second copy of the key stays in this thread.
    return await this.#thread.run<number>(task, { transfer: [secretKey.buffer] });
  }

  /** The key of answers. Where there is a result ring, the key of the network itself is not unsealed here at all. */
  async #answerKey(keySet: KeySetId): Promise<{ ring: AnswerRing; identity: string }> {
    const result = SECRETS.keySetResultSecretKey(keySet);
    const sealed = await this.#site.store.secrets.get(result);
    return sealed === null
      ? { ring: 'main', identity: SECRETS.keySetSecretKey(keySet) }
      : { ring: 'result', identity: result };
  }

  /**
   * Decrypts an answer under its key set, which is opened where it is not.
   *
   * @param contents what it is about, where that is not one picture: each is then judged by itself
   * @throws as {@link prepare}
   */
  async decrypt(
    model: ModelRecord,
    keySet: KeySetId,
    ciphertext: Uint8Array,
    contents: Contents = {},
  ): Promise<DecryptAnswer> {
    const name = nameOf(model, keySet);
    this.#pending += 1;
    try {
      while (this.#find(name)?.isOpen !== true) await this.prepare(model, keySet);
      const { promise, resolve, reject } = Promise.withResolvers<DecryptAnswer>();
      if (this.#waiting.length === 0) queueMicrotask(() => this.#flush());
      this.#waiting.push({ keySet: name, ciphertext, ...contents, resolve, reject });
      return await promise;
    } finally {
      this.#pending -= 1;
    }
  }

  /** One message for all answers of a moment: each message costs as much as half a decryption. */
  #flush(): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    const answers = waiting.map(({ resolve: _, reject: __, ...answer }): ToDecrypt => answer);
    const task: DecryptTask = { kind: 'decrypt', answers };
    this.#thread.run<readonly DecryptOutcome[]>(task).then(
      (outcomes) => {
        for (const [i, outcome] of outcomes.entries())
          if (outcome.kind === 'failed') waiting[i]!.reject(new Error(outcome.message));
          else waiting[i]!.resolve(outcome);
      },
      (error: unknown) => {
        for (const { reject } of waiting) reject(error);
      },
    );
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#thread.close();
  }
}

/** All keys of a network are of one size. */
const networkOf = ({ name, version }: ModelRecord): string => `${name}/${version}`;

/** A key with another output policy is opened as another one. */
function nameOf({ output }: ModelRecord, { model, version, number }: KeySetId): string {
  return `${model}/${version}/${number} ${JSON.stringify(output)}`;
}

/** Moves bytes into a buffer of their own, so that it can be transferred, and wipes where they were. */
function owned(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(bytes.length);
  copy.set(bytes);
  bytes.fill(0);
  return copy;
}
