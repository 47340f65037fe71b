import { BlindsightError } from '#protocol/errors.ts';
import { TaskThread } from '#runtime/threads/task-thread.ts';
import { SECRETS } from '../sealing/identities.ts';
import type { Site } from '../site.ts';
import type { ModelRecord } from '../store/models.ts';
import type { AnswerRing, DecryptAnswer, DecryptTask } from './decrypt-task.ts';

/** Decrypts answers in its own thread. Secret keys are unsealed on the way there and wiped here. */
export class Decryptor {
  readonly #site: Site;
  readonly #thread = new TaskThread('decrypt', new URL('./decrypt-thread.ts', import.meta.url));
  /** Models that the thread holds or is given, by the generation of the thread. */
  readonly #open = new Map<string, { readonly generation: number; readonly done: Promise<void> }>();

  #closed = false;

  constructor(site: Site) {
    this.#site = site;
  }

  /**
   * Makes sure that the thread holds the model's key.
   *
   * @throws BlindsightError SECRET_MISSING, SECRET_TAMPERED, BUNDLE_DAMAGED, WORKER_FAILED.
   */
  async prepare(model: ModelRecord): Promise<void> {
    const key = modelKey(model);
    this.#thread.start();
    const { generation } = this.#thread;
    const known = this.#open.get(key);
    if (known?.generation === generation) return known.done;
    const done = this.#openModel(key, model);
    this.#open.set(key, { generation, done });
    try {
      await done;
    } catch (error) {
      this.#open.delete(key);
      throw error;
    }
  }

  async #openModel(key: string, model: ModelRecord): Promise<void> {
    const part = model.parts.find((candidate) => candidate.name === 'program');
    if (part === undefined) throw new BlindsightError('BUNDLE_DAMAGED', `${key} has no program`);
    const { store, vault, blobs } = this.#site;
    const program = await blobs.get(part.sha256);
    const { ring, identity } = await this.#answerKey(model);
    const secretKey = owned(await vault.fetch(store, identity));
    const task: DecryptTask = {
      kind: 'open',
      model: key,
      program,
      ring,
      secretKey,
      interpretation: model.interpretation,
    };
    if (this.#closed) {
      secretKey.fill(0);
      throw new BlindsightError('WORKER_FAILED', 'the decryptor was closed');
    }
    // Transferred, not copied: no second copy of the key stays in this thread.
    await this.#thread.run(task, { transfer: [secretKey.buffer] });
  }

  /** The key of answers. Where there is a result ring, the key of the network itself is not unsealed here at all. */
  async #answerKey({ name, version }: ModelRecord): Promise<{ ring: AnswerRing; identity: string }> {
    const result = SECRETS.modelResultSecretKey(name, version);
    const sealed = await this.#site.store.secrets.get(result);
    return sealed === null
      ? { ring: 'main', identity: SECRETS.modelSecretKey(name, version) }
      : { ring: 'result', identity: result };
  }

  /** @param model one that {@link prepare} was called for. */
  decrypt(model: ModelRecord, ciphertext: Uint8Array): Promise<DecryptAnswer> {
    const task: DecryptTask = { kind: 'decrypt', model: modelKey(model), ciphertext };
    return this.#thread.run<DecryptAnswer>(task);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#thread.close();
  }
}

function modelKey(model: ModelRecord): string {
  return `${model.name}/${model.version}`;
}

/** Moves bytes into a buffer of their own, so that it can be transferred, and wipes where they were. */
function owned(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(bytes.length);
  copy.set(bytes);
  bytes.fill(0);
  return copy;
}
