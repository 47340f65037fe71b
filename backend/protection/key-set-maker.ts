import { createHash, randomBytes } from 'node:crypto';
import { availableParallelism, freemem } from 'node:os';
import type { NetworkDescription } from '#network/model/description/network-description.ts';
import { listZoo, loadZooNetwork } from '#network/model/description/zoo.ts';
import { BlindsightError } from '#protocol/errors.ts';
import { SECRETS } from '../sealing/identities.ts';
import type { Site } from '../site.ts';
import type { ModelRecord } from '../store/models.ts';
import type { KeySetId } from '../store/protections.ts';
import type { Store } from '../store/store.ts';
import { prepareKeySet } from './keep-key-set.ts';
import type { ProtectProgress } from './protect-task.ts';
import { type ProtectingOptions, ProtectingThread } from './protecting-thread.ts';

/** What making keys takes besides bundles, of which several copies are in memory at once; measured on `counter`, which takes 280 MB. */
const THREAD_BYTES = 300e6;
const COPIES = 6;

/**
 * How many key sets are made at once: one for each core, as far as there is memory for them.
 *
 * @param model whose bundle it is about
 */
export function threadsFor(model: ModelRecord, cores = availableParallelism(), free = freemem()): number {
  const bundle = model.parts.reduce((sum, part) => sum + part.bytes, 0);
  return Math.max(1, Math.min(cores, Math.floor(free / 2 / (THREAD_BYTES + COPIES * bundle))));
}

export type KeySetSource = {
  readonly site: Pick<Site, 'store' | 'vault' | 'blobs'>;
  readonly model: ModelRecord;
  readonly signal?: AbortSignal;
};

export type MadeKeySet = {
  readonly id: KeySetId;
  /** Keeps it. Run it in a transaction; until then there is nothing of it but files that nobody refers to. */
  readonly keep: (store: Store, gateway: string | null, nowMs: number) => Promise<void>;
};

/**
 * Makes further keys of a network, with everything that is encrypted under them, in a thread of its own, which reads and compiles the network once.
 */
export class KeySetMaker {
  readonly #source: KeySetSource;
  readonly #thread = new ProtectingThread();
  #read: Promise<void> | null = null;

  constructor(source: KeySetSource) {
    this.#source = source;
  }

  /**
   * Makes one: a second or so, minutes for large networks.
   *
   * @throws BlindsightError KEY_SET_SOURCE, SELF_TEST_FAILED, SECRET_MISSING, and the codes of the layers below; the signal's reason.
   */
  async make(onProgress?: (progress: ProtectProgress) => void): Promise<MadeKeySet> {
    const { site, model, signal } = this.#source;
    const { name, version } = model;
    const program = model.parts.find((part) => part.name === 'program');
    if (program === undefined) throw new BlindsightError('BUNDLE_DAMAGED', `${name} has no program`);
    const options = { ...(onProgress && { onProgress }), ...(signal && { signal }) };
    this.#read ??= this.#readNetwork(options);
    await this.#read;
    // A number is never given twice, also where two processes make keys at once; one that was not used stays out.
    const number = 1 + (await site.store.settings.next(`key-sets/${name}/${version}`));
    const id = { model: name, version, number };
    const fingerprint = Uint8Array.from(randomBytes(32));
    const made = await this.#thread.protect(fingerprint, 'engine', options);
    made.onnx.fill(0);
    const bytes = made.parts.find((part) => part.name === 'program')!.bytes;
    const isSame = createHash('sha256').update(bytes).digest('hex') === program.sha256;
    if (!isSame || made.answerBytes !== model.answerBytes)
      throw new BlindsightError(
        'KEY_SET_SOURCE',
        `this version of Blindsight makes another program of ${name} than version ${version} has`,
      );
    signal?.throwIfAborted();
    return { id, keep: await prepareKeySet(site, id, program, { ...made, fingerprint }) };
  }

  async #readNetwork(options: ProtectingOptions): Promise<void> {
    const { site, model } = this.#source;
    const { name, version, interpretation } = model;
    const description = await descriptionOf(site, model);
    const onnx = Uint8Array.from(await site.vault.fetch(site.store, SECRETS.modelOnnx(name, version)));
    const source = { name, source: { onnx, description }, regions: interpretation.regions ?? 1 };
    await this.#thread.read(source, options);
  }

  /** Ends the thread, whatever it is doing. */
  close(): Promise<void> {
    return this.#thread.close();
  }
}

/** What the owner said about a network; of one that was protected before this was kept, only bundled ones are known. */
async function descriptionOf(
  { store, vault }: Pick<Site, 'store' | 'vault'>,
  { name, version, onnxSha256 }: ModelRecord,
): Promise<NetworkDescription> {
  const identity = SECRETS.modelDescription(name, version);
  if ((await store.secrets.get(identity)) !== null) {
    const bytes = await vault.fetch(store, identity);
    const description = JSON.parse(Buffer.from(bytes).toString('utf8')) as NetworkDescription;
    bytes.fill(0);
    return description;
  }
  for (const bundled of await listZoo()) {
    const { onnx, metadata } = await loadZooNetwork(bundled);
    if (createHash('sha256').update(onnx).digest('hex') === onnxSha256) return metadata;
  }
  throw new BlindsightError(
    'KEY_SET_SOURCE',
    `the site does not have the description of ${name} version ${version}, which was protected by an earlier Blindsight`,
  );
}
