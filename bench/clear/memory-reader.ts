import { importDevelopmentPackage } from './development-package.ts';

type Compiler = typeof import('assemblyscript/asc');

/** Reads memory from `from` to `to`, 64 bytes at a time, and returns something that depends on all of it. */
type Read = (from: number, to: number) => bigint;

const SOURCE = `
export function read(from: usize, to: usize): u64 {
  let a = i64x2.splat(0), b = a, c = a, d = a;
  for (; from < to; from += 64) {
    a = v128.xor(a, v128.load(from));
    b = v128.xor(b, v128.load(from, 16));
    c = v128.xor(c, v128.load(from, 32));
    d = v128.xor(d, v128.load(from, 48));
  }
  const all = v128.xor(v128.xor(a, b), v128.xor(c, d));
  return i64x2.extract_lane(all, 0) ^ i64x2.extract_lane(all, 1);
}`;
const PAGE = 2 ** 16;

/** Compiles the loop; it is not in the kernel, because no gateway needs it. */
export async function compileReader(): Promise<WebAssembly.Module> {
  const asc = await importDevelopmentPackage<Compiler>('assemblyscript/asc');
  const { error, stderr, binary } = await asc.compileString(SOURCE, {
    ...{ optimizeLevel: 3, noAssert: true, runtime: 'stub', enable: 'simd' },
  });
  if (error !== null || binary === null)
    throw new Error(`the loop that reads memory does not compile: ${stderr.toString()}`, { cause: error });
  return new WebAssembly.Module(new Uint8Array(binary));
}

/** Reads memory that is larger than all caches, as the engine reads keys and constants. */
export class MemoryReader {
  readonly #read: Read;
  readonly #from: number;
  readonly #bytes: number;

  /** @param bytes a multiple of 64; all of them are written once, because untouched pages are all the same one */
  constructor(module: WebAssembly.Module, bytes: number) {
    const { exports } = new WebAssembly.Instance(module);
    const memory = exports.memory as WebAssembly.Memory;
    this.#read = exports.read as Read;
    this.#from = memory.grow(Math.ceil(bytes / PAGE)) * PAGE;
    this.#bytes = bytes;
    new Uint8Array(memory.buffer, this.#from, bytes).fill(1);
  }

  /** @returns bytes a second */
  rate(milliseconds: number): number {
    const start = performance.now();
    let passed = 0;
    let runs = 0;
    for (; passed < milliseconds; runs++) {
      this.#read(this.#from, this.#from + this.#bytes);
      passed = performance.now() - start;
    }
    return (1000 * runs * this.#bytes) / passed;
  }
}
