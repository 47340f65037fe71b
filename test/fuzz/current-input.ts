const HEADER_WORDS = 2;
const MAX_BYTES = 2 ** 20;

/** The input that a thread parses right now, where another thread can see it: after a hang nobody else could tell. */
export class CurrentInput {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;

  constructor(buffer = new SharedArrayBuffer(4 * HEADER_WORDS + MAX_BYTES)) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer, 0, HEADER_WORDS);
    this.#bytes = new Uint8Array(buffer, 4 * HEADER_WORDS);
  }

  /** Shows an input, of which at most a megabyte. */
  show(input: Uint8Array): void {
    this.#bytes.set(input.subarray(0, MAX_BYTES));
    Atomics.store(this.#words, 1, Math.min(input.length, MAX_BYTES));
    Atomics.add(this.#words, 0, 1);
  }

  /** How many inputs were shown. */
  get count(): number {
    return Atomics.load(this.#words, 0);
  }

  get input(): Uint8Array {
    return this.#bytes.slice(0, Atomics.load(this.#words, 1));
  }
}
