import { NetworkError } from '../errors.ts';
import { KERNEL_BINARY } from './kernel-binary.ts';

const PAGE_BYTES = 65_536;

type Kernel = {
  multiply(
    c: number,
    a: number,
    b: number,
    rows: number,
    depth: number,
    columns: number,
    ar: number,
    ac: number,
    add: boolean,
  ): void;
  multiplyTransposed(
    c: number,
    a: number,
    b: number,
    rows: number,
    depth: number,
    columns: number,
    add: boolean,
  ): void;
};

/**
 * The arrays of one training: float32 in one WebAssembly memory of fixed size, so that views stay valid and the kernel
 * works in place. Nothing is freed before the whole workspace is dropped.
 */
export class Workspace {
  readonly #memory: WebAssembly.Memory;
  readonly #kernel: Kernel;
  #used = 0;

  private constructor(memory: WebAssembly.Memory, kernel: Kernel) {
    this.#memory = memory;
    this.#kernel = kernel;
  }

  /**
   * Loads the kernel and reserves memory; the operating system commits it as it is used.
   *
   * @param capacityBytes at most 4 GiB.
   */
  static async create(capacityBytes: number): Promise<Workspace> {
    const memory = new WebAssembly.Memory({ initial: Math.ceil(capacityBytes / PAGE_BYTES) });
    const module = await WebAssembly.compile(Buffer.from(KERNEL_BINARY, 'base64'));
    const abort = (): never => {
      throw new NetworkError('NETWORK_TRAINING', 'the matrix kernel stopped');
    };
    const instance = await WebAssembly.instantiate(module, { env: { memory, abort } });
    return new Workspace(memory, instance.exports as unknown as Kernel);
  }

  /**
   * A zeroed array of `size` floats, aligned to 16 bytes.
   *
   * @throws NetworkError NETWORK_TOO_LARGE where the workspace is full.
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

  #pointer(array: Float32Array): number {
    if (array.buffer !== this.#memory.buffer) {
      throw new NetworkError('NETWORK_TRAINING', 'the kernel was given an array from outside its workspace');
    }
    return array.byteOffset;
  }
}
