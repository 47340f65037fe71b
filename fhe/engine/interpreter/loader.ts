import { Worker } from 'node:worker_threads';
import { FheError } from '../../errors.ts';
import { type Expanded, type ExpanderData, ItemExpander, type PackedItem } from './item-expander.ts';

type Helper = { readonly worker: Worker; items: number };

/** Items that a helper may have: the one that it works on, and the next. */
const AHEAD = 2;

/** Expands items in threads of its own, while the caller reads and checks what comes next. */
export class Loader {
  readonly #inline: ItemExpander | null;
  readonly #helpers: readonly Helper[];
  #failure: Error | null = null;
  #changed = Promise.withResolvers<void>();

  /** @param threads none for the caller's own */
  constructor(data: ExpanderData, threads: number) {
    this.#inline = threads === 0 ? new ItemExpander(data) : null;
    this.#helpers = Array.from({ length: threads }, () => this.#start(data));
  }

  /** Resolves when there is room for the next one. @throws FheError as {@link ItemExpander.expand}, also of an earlier one; FHE_WORKER where a thread died */
  async add(item: PackedItem): Promise<void> {
    if (this.#inline !== null) return this.#inline.expand(item);
    const helper = await this.#until(() => this.#helpers.find(({ items }) => items < AHEAD));
    helper.items++;
    helper.worker.postMessage(item, [item.packed.buffer]);
  }

  /** Resolves when all are where they belong. @throws as {@link add} */
  async finish(): Promise<void> {
    await this.#until(() => this.#helpers.every(({ items }) => items === 0) || undefined);
  }

  async close(): Promise<void> {
    for (const { worker } of this.#helpers) worker.removeAllListeners();
    await Promise.all(this.#helpers.map(({ worker }) => worker.terminate()));
  }

  async #until<T>(find: () => T | undefined): Promise<T> {
    for (;;) {
      if (this.#failure !== null) throw this.#failure;
      const found = find();
      if (found !== undefined) return found;
      await this.#changed.promise;
    }
  }

  #start(workerData: ExpanderData): Helper {
    const worker = new Worker(new URL('./loader-thread.ts', import.meta.url), {
      workerData,
      name: 'blindsight-loader',
    });
    const helper = { worker, items: 0 };
    worker.on('message', (expanded: Expanded) => {
      helper.items--;
      this.#note(expanded && new FheError(expanded.code, expanded.message));
    });
    const died = (cause: unknown) =>
      this.#note(new FheError('FHE_WORKER', 'a loading thread died', { cause }));
    worker.on('error', died);
    worker.on('exit', died);
    return helper;
  }

  #note(failure: Error | null): void {
    this.#failure ??= failure;
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
