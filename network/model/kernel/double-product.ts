import { NetworkError } from '#network/errors.ts';
import { KERNEL_BINARY } from './kernel-binary.ts';

const MODULE = new WebAssembly.Module(Buffer.from(KERNEL_BINARY, 'base64'));
const PAGE_BYTES = 65_536;
/** Memory shared by products; larger ones get separate memory, which is released. Each memory reserves gigabytes of address space. */
const SHARED_BYTES = 2 ** 23;

type Multiply = (c: number, a: number, b: number, rows: number, depth: number, columns: number) => void;
type Instance = { readonly memory: WebAssembly.Memory; readonly multiply: Multiply };

function instantiate(bytes: number): Instance {
  const pages = Math.ceil(bytes / PAGE_BYTES);
  try {
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    const { exports } = new WebAssembly.Instance(MODULE, { env: { memory, abort: () => {} } });
    return { memory, multiply: exports.multiplyDouble as Multiply };
  } catch (cause) {
    throw new NetworkError('NETWORK_TOO_LARGE', `there is no memory for a matrix product of ${bytes} bytes`, {
      cause,
    });
  }
}

let shared: Instance | undefined;

/** Made on first use; holds nothing between two products. */
function sharedInstance(): Instance {
  shared ??= instantiate(SHARED_BYTES);
  return shared;
}

/**
 * Products of float64 matrices of one size, C += A (rows × depth) · B (depth × columns), all row-major: fill in the factors, multiply,
 * and read the product before the next multiplication. With two lanes at a time and four rows by four columns in registers, 4 to 5 products a
 * nanosecond; plain loops manage 1.3.
 */
export class DoubleProduct {
  /** rows × depth. */
  readonly a: Float64Array;
  /** depth × columns. */
  readonly b: Float64Array;
  /** rows × columns. */
  readonly c: Float64Array;
  readonly #multiply: () => void;

  /** @throws NetworkError NETWORK_TOO_LARGE if there is no memory for it. */
  constructor(rows: number, depth: number, columns: number) {
    const sizes = [rows * depth, depth * columns, rows * columns] as const;
    const bytes = 8 * (sizes[0] + sizes[1] + sizes[2]);
    const { memory, multiply } = bytes > SHARED_BYTES ? instantiate(bytes) : sharedInstance();
    this.a = new Float64Array(memory.buffer, 0, sizes[0]);
    this.b = new Float64Array(memory.buffer, 8 * sizes[0], sizes[1]);
    this.c = new Float64Array(memory.buffer, 8 * (sizes[0] + sizes[1]), sizes[2]);
    this.#multiply = () =>
      multiply(this.c.byteOffset, this.a.byteOffset, this.b.byteOffset, rows, depth, columns);
  }

  /** Adds the product of the factors to `c`. */
  multiply(): void {
    this.#multiply();
  }
}
