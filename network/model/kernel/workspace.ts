import { NetworkError } from '#network/errors.ts';
import { KERNEL_BINARY } from './kernel-binary.ts';
import { Team } from './team.ts';
import { type Job, TeamWords } from './team-words.ts';
import type { JobKernel } from './team-work.ts';

const PAGE_BYTES = 65_536;

type Numeric = (...values: (number | boolean)[]) => void;
type Kernel = JobKernel &
  Readonly<
    Record<'multiply' | 'multiplyTransposed' | 'combine' | 'combineBack' | 'gather' | 'scatter', Numeric>
  >;

/** An element-wise operation on two operands. */
export type Arithmetic = 'Add' | 'Sub' | 'Mul' | 'Div';

const OPERATOR_NUMBERS: Readonly<Record<Arithmetic, number>> = { Add: 0, Sub: 1, Mul: 2, Div: 3 };

/** An operand, block by block of the result: where it starts, and whether it advances with the result (1) or stays (0). */
export type Operand = {
  readonly values: Float32Array;
  readonly starts: Int32Array;
  readonly step: 0 | 1;
};

/**
 * The arrays of one training: float32 in one WebAssembly memory of fixed size, so that views stay valid and the kernel
 * works in place. Nothing is freed before the workspace itself is dropped.
 */
export class Workspace {
  readonly #memory: WebAssembly.Memory;
  readonly #kernel: Kernel;
  readonly #team: Team;
  #used = 4 * TeamWords.words;

  private constructor(module: WebAssembly.Module, memory: WebAssembly.Memory) {
    const abort = (): never => {
      throw new NetworkError('NETWORK_TRAINING', 'the matrix kernel stopped');
    };
    const instance = new WebAssembly.Instance(module, { env: { memory, abort } });
    this.#memory = memory;
    this.#kernel = instance.exports as unknown as Kernel;
    this.#team = new Team(module, memory, this.#kernel, 0);
  }

  /**
   * Loads the kernel and reserves memory; the operating system commits it as it is used.
   *
   * @param capacityBytes less than 4 GiB.
   */
  static async create(capacityBytes: number): Promise<Workspace> {
    const pages = Math.ceil(capacityBytes / PAGE_BYTES);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    const module = await WebAssembly.compile(Buffer.from(KERNEL_BINARY, 'base64'));
    return new Workspace(module, memory);
  }

  /** Lets so many threads work on a job, the caller's included, until {@link close}. Results do not depend on it. */
  useThreads(threads: number): void {
    this.#team.use(threads);
  }

  /** Ends the threads; arrays stay readable. */
  close(): Promise<void> {
    return this.#team.close();
  }

  /**
   * Does a job of the kernel in so many parts.
   *
   * @param args its arguments, see the job: 16 words of {@link keep} that are filled in here.
   * @param words arrays of this workspace, or numbers.
   */
  run(
    job: Job,
    args: Int32Array,
    parts: number,
    words: readonly (number | Float32Array | Int32Array)[],
  ): void {
    words.forEach((word, i) => {
      args[i] = typeof word === 'number' ? word : this.#pointer(word);
    });
    this.#team.run(job, this.#pointer(args), parts);
  }

  /**
   * A zeroed array of `size` floats, aligned to 16 bytes.
   *
   * @throws NetworkError NETWORK_TOO_LARGE if the workspace is full.
   */
  allocate(size: number): Float32Array {
    const bytes = Math.ceil(size / 4) * 16;
    if (this.#used + bytes > this.#memory.buffer.byteLength) {
      throw new NetworkError(
        'NETWORK_TOO_LARGE',
        'training needs more memory than reserved; use a smaller batch',
      );
    }
    const array = new Float32Array(this.#memory.buffer, this.#used, size);
    this.#used += bytes;
    return array;
  }

  /** Whether an array is in this workspace. */
  holds(array: Float32Array): boolean {
    return array.buffer === this.#memory.buffer;
  }

  /** Integers that the kernel reads. */
  keep(integers: Int32Array): Int32Array {
    const { buffer, byteOffset } = this.allocate(integers.length);
    const kept = new Int32Array(buffer, byteOffset, integers.length);
    kept.set(integers);
    return kept;
  }

  /** out = a (operator) b, in blocks of out.length / starts.length elements. All from this workspace. */
  combine(operator: Arithmetic, out: Float32Array, a: Operand, b: Operand): void {
    this.#kernel.combine(OPERATOR_NUMBERS[operator], this.#pointer(out), ...this.#operands(a, b, out.length));
  }

  /** `to` += gradients · ∂(a (operator) b) / ∂a, or by b if `right`; if that operand stays, the sum of its block is added. */
  combineBack(
    operator: Arithmetic,
    right: boolean,
    to: Float32Array,
    gradients: Float32Array,
    a: Operand,
    b: Operand,
  ): void {
    const operands = this.#operands(a, b, gradients.length);
    const [toPointer, pointer] = [this.#pointer(to), this.#pointer(gradients)];
    this.#kernel.combineBack(OPERATOR_NUMBERS[operator], right, toPointer, pointer, ...operands);
  }

  /** columns[c, i] = picture[c, index[i]]; 0 if the index is negative. `picture` is channels × pixels. */
  gather(columns: Float32Array, picture: Float32Array, index: Int32Array, channels: number): void {
    const [to, from, at] = [this.#pointer(columns), this.#pointer(picture), this.#pointer(index)];
    this.#kernel.gather(to, from, at, channels, picture.length / channels, index.length);
  }

  /** picture[c, index[i]] += columns[c, i], except for negative indices: the transpose of {@link gather}. */
  scatter(picture: Float32Array, columns: Float32Array, index: Int32Array, channels: number): void {
    const [to, from, at] = [this.#pointer(picture), this.#pointer(columns), this.#pointer(index)];
    this.#kernel.scatter(to, from, at, channels, picture.length / channels, index.length);
  }

  #operands(a: Operand, b: Operand, size: number): (number | boolean)[] {
    const blocks = a.starts.length;
    const pointers = [a, b].flatMap(({ values, starts, step }) => [
      this.#pointer(values),
      this.#pointer(starts),
      step === 1,
    ]);
    return [...pointers, blocks, blocks === 0 ? 0 : size / blocks];
  }

  /** C (rows × columns) = A (rows × depth) · B (depth × columns), or C += … with `add`. All from this workspace. */
  multiply(
    c: Float32Array,
    a: Float32Array,
    b: Float32Array,
    rows: number,
    depth: number,
    columns: number,
    add = false,
  ): void {
    this.#kernel.multiply(
      this.#pointer(c),
      this.#pointer(a),
      this.#pointer(b),
      rows,
      depth,
      columns,
      depth,
      1,
      add,
    );
  }

  /** C (rows × columns) = Aᵀ · B, where A is stored as depth × rows. */
  multiplyLeftTransposed(
    c: Float32Array,
    a: Float32Array,
    b: Float32Array,
    rows: number,
    depth: number,
    columns: number,
    add = false,
  ): void {
    this.#kernel.multiply(
      this.#pointer(c),
      this.#pointer(a),
      this.#pointer(b),
      rows,
      depth,
      columns,
      1,
      rows,
      add,
    );
  }

  /** C (rows × columns) = A · Bᵀ, where B is stored as columns × depth. */
  multiplyRightTransposed(
    c: Float32Array,
    a: Float32Array,
    b: Float32Array,
    rows: number,
    depth: number,
    columns: number,
    add = false,
  ): void {
    this.#kernel.multiplyTransposed(
      this.#pointer(c),
      this.#pointer(a),
      this.#pointer(b),
      rows,
      depth,
      columns,
      add,
    );
  }

  #pointer(array: Float32Array | Int32Array): number {
    if (array.buffer !== this.#memory.buffer) {
      throw new NetworkError('NETWORK_TRAINING', 'the kernel was given an array from outside its workspace');
    }
    return array.byteOffset;
  }
}
