import { FheError } from '../../errors.ts';

/** A place in wasm memory: a byte offset. */
export type Address = number;

const PAGE_BYTES = 65_536;
const MAX_PAGES = 65_536;
/** Below this are the kernel's few static bytes. */
const FIRST_ADDRESS = 4096;
/** A cache line, so that threads do not share one by accident. */
const ALIGNMENT = 64;

/**
 * Shared wasm memory handed out front to back, with a free list for returned blocks. Everything a program needs is allocated when it is
 * loaded; running frames allocates nothing, so memory cannot grow.
 */
export class Arena {
  readonly memory: WebAssembly.Memory;
  #next = FIRST_ADDRESS;
  #u32: Uint32Array;
  /** By size in bytes. */
  readonly #free = new Map<number, Address[]>();

  readonly #most: number;

  /** @param mostBytes that may be handed out; WebAssembly's 4 GiB where left out. */
  constructor(mostBytes: number = MAX_PAGES * PAGE_BYTES) {
    this.#most = Math.min(mostBytes, MAX_PAGES * PAGE_BYTES);
    this.memory = new WebAssembly.Memory({ initial: 16, maximum: MAX_PAGES, shared: true });
    this.#u32 = new Uint32Array(this.memory.buffer);
  }

  /** Bytes handed out from the front so far: the peak, as blocks are reused. */
  get usedBytes(): number {
    return this.#next;
  }

  /** Zeroed at first; the content of a reused block is undefined. @throws FheError FHE_TOO_LARGE beyond the bound. */
  allocate(bytes: number): Address {
    const size = Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
    const reused = this.#free.get(size)?.pop();
    if (reused !== undefined) return reused;
    const address = this.#next;
    const end = address + size;
    if (end > this.#most) {
      throw new FheError(
        'FHE_TOO_LARGE',
        `the engine needs more than the ${this.#most} bytes of memory that it may have`,
      );
    }
    const missing = Math.ceil(end / PAGE_BYTES) - this.memory.buffer.byteLength / PAGE_BYTES;
    if (missing > 0) {
      try {
        this.memory.grow(missing);
      } catch (cause) {
        throw new FheError('FHE_TOO_LARGE', `the engine needs more memory than there is: ${end} bytes`, {
          cause,
        });
      }
      this.#u32 = new Uint32Array(this.memory.buffer);
    }
    this.#next = end;
    return address;
  }

  /** Returns a block; `bytes` as allocated. */
  release(address: Address, bytes: number): void {
    const size = Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
    const list = this.#free.get(size);
    if (list === undefined) this.#free.set(size, [address]);
    else list.push(address);
  }

  /** From here on nothing is put where a block was returned: what was recorded so far keeps its memory for itself. */
  keepReturned(): void {
    this.#free.clear();
  }

  /** All of memory as words; do not keep it across an allocation. */
  get words(): Uint32Array {
    return this.#u32;
  }

  /** A view of `length` words; do not keep it across an allocation. */
  view(address: Address, length: number): Uint32Array {
    return this.#u32.subarray(address / 4, address / 4 + length);
  }

  /** Allocates and fills. */
  place(words: ArrayLike<number>): Address {
    const address = this.allocate(words.length * 4);
    this.#u32.set(words, address / 4);
    return address;
  }

  /** Allocates and fills with float64 values. */
  placeDoubles(values: Float64Array): Address {
    const address = this.allocate(values.byteLength);
    new Float64Array(this.memory.buffer, address, values.length).set(values);
    return address;
  }
}
