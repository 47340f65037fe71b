import { Coverage } from './coverage.ts';
import { Dice } from './dice.ts';
import type { Node } from './formats/node.ts';
import { judge, type Verdict } from './judge.ts';
import { mutateBytes } from './mutate-bytes.ts';
import { mutateTree } from './mutate-tree.ts';
import type { Target } from './target.ts';

/** An input of which something did not hold. */
export type Find = { readonly input: Uint8Array; readonly verdict: NonNullable<Verdict> };

export type Outcome = {
  readonly inputs: number;
  readonly finds: readonly Find[];
  /** Inputs that reached something new, beyond seeds and corpus. */
  readonly interesting: readonly Uint8Array[];
  readonly functions: number;
  readonly idleBlocks: number;
};

/** How long a target is fuzzed: until either is reached. */
export type FuzzBounds = { readonly count: number; readonly mostSeconds?: number };

/** How often what ran is looked at: often while there is news, seldom later, as each look takes milliseconds. */
const BATCH = { least: 64, most: 4_096 } as const;
/** No more finds of a target are collected: the first of them must be mended first. */
const MOST_FINDS = 20;

const encoder = new TextEncoder();

/** Draws inputs of one target from a seed, keeps those that reach something new, and goes on from these. */
export class Fuzzer {
  readonly #target: Target;
  readonly #dice: Dice;
  readonly #coverage: Coverage | null;
  readonly #dictionary: readonly Uint8Array[];
  readonly #onInput: (input: Uint8Array) => void;
  readonly #finds = new Map<string, Find>();
  readonly #trees = new WeakMap<Uint8Array, Node | null>();
  #pool: Uint8Array[] = [];
  #maxBytes = 0;

  /**
   * @param isGuided whether coverage is looked at; without, inputs are drawn from seeds and corpus only, and many more of them in the same time
   * @param onInput hears of each input before it is parsed, for whoever watches over the time
   */
  constructor(
    target: Target,
    seed: number,
    isGuided: boolean,
    onInput: (input: Uint8Array) => void = () => {},
  ) {
    this.#target = target;
    this.#dice = new Dice(seed, target.name);
    this.#coverage = isGuided ? new Coverage(target.sources) : null;
    this.#dictionary = (target.dictionary ?? []).map((word) => encoder.encode(word));
    this.#onInput = onInput;
  }

  /**
   * @param corpus inputs of earlier runs: they are parsed first
   * @param bounds.count new inputs
   * @param bounds.mostSeconds after which no further batch begins
   */
  async run(
    corpus: readonly Uint8Array[],
    { count, mostSeconds = Number.POSITIVE_INFINITY }: FuzzBounds,
    onProgress: (done: number) => void,
  ): Promise<Outcome> {
    const seeds = await this.#target.seeds();
    this.#pool = [...seeds, ...corpus];
    const largest = Math.max(...this.#pool.map(({ length }) => length));
    this.#maxBytes = this.#target.maxBytes ?? Math.max(4_096, 4 * largest);
    this.#coverage?.look(false);
    for (const seed of seeds) await this.#tryGood(seed);
    for (const input of this.#pool) await this.#try(input);
    this.#coverage?.look(true);
    const known = this.#pool.length;
    let done = 0;
    let size: number = BATCH.least;
    const endMs = performance.now() + 1000 * mostSeconds;
    while (done < count && this.#finds.size < MOST_FINDS && performance.now() < endMs) {
      const batch = Array.from({ length: Math.min(size, count - done) }, () => this.#draw());
      for (const input of batch) await this.#try(input);
      done += batch.length;
      const isNew = this.#coverage?.look(false) ?? false;
      if (isNew) await this.#keepNews(batch);
      size = isNew ? BATCH.least : Math.min(BATCH.most, 2 * size);
      onProgress(done);
    }
    const { functions, idleBlocks } = this.#coverage?.reached ?? { functions: 0, idleBlocks: 0 };
    this.#coverage?.close();
    const interesting = this.#pool.slice(known);
    return { inputs: done + known, finds: [...this.#finds.values()], interesting, functions, idleBlocks };
  }

  /** What the real encoder wrote must be taken: a target that refuses everything would find nothing. */
  async #tryGood(seed: Uint8Array): Promise<void> {
    const taken = await Promise.resolve()
      .then(() => this.#target.run(seed))
      .catch((error: unknown) => String(error));
    if (taken === true) return;
    const message = `a seed is not taken: ${taken}`;
    this.#finds.set(message, { input: seed, verdict: { kind: 'error', message } });
  }

  async #try(input: Uint8Array): Promise<void> {
    this.#onInput(input);
    const verdict = await judge(this.#target, input);
    if (verdict === null) return;
    // Where it was thrown tells finds apart.
    const where = verdict.message.split('\n').slice(0, 3).join('\n').replace(/\d+/g, '#');
    if (!this.#finds.has(where)) this.#finds.set(where, { input: input.slice(), verdict });
  }

  /** Which of these inputs bring news? Halves that bring none are not looked into: each look takes milliseconds. */
  async #keepNews(inputs: readonly Uint8Array[]): Promise<void> {
    for (const input of inputs) await judge(this.#target, input);
    const [only] = inputs;
    if (inputs.length === 1 && only !== undefined) {
      if (this.#coverage?.look(true) === true) this.#pool.push(only);
      return;
    }
    if (this.#coverage?.look(false) !== true) return;
    const half = Math.ceil(inputs.length / 2);
    await this.#keepNews(inputs.slice(0, half));
    await this.#keepNews(inputs.slice(half));
  }

  #draw(): Uint8Array {
    const dice = this.#dice;
    // The latest are the least explored.
    let input = dice.once(3) ? dice.pick(this.#pool.slice(-8)) : dice.pick(this.#pool);
    const { format } = this.#target;
    const tree = this.#treeOf(input);
    const changes = 1 + dice.below(3);
    if (format !== undefined && tree !== null && !dice.once(5)) {
      let changed = tree;
      const other = this.#treeOf(dice.pick(this.#pool)) ?? tree;
      for (let i = 0; i < changes; i++) changed = mutateTree(changed, other, format, dice);
      input = format.write(changed);
      if (!dice.once(6)) return this.#cut(input);
    }
    for (let i = 0; i < changes; i++)
      input = mutateBytes(input, dice.pick(this.#pool), this.#dictionary, dice);
    return this.#cut(input);
  }

  /** An input of the pool, taken apart once. */
  #treeOf(input: Uint8Array): Node | null {
    const known = this.#trees.get(input);
    if (known !== undefined) return known;
    const tree = this.#target.format?.parse(input) ?? null;
    this.#trees.set(input, tree);
    return tree;
  }

  #cut(input: Uint8Array): Uint8Array {
    return input.length > this.#maxBytes ? input.slice(0, this.#maxBytes) : input;
  }
}
