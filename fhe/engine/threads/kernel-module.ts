import { readFileSync } from 'node:fs';
import { FheError } from '../../errors.ts';

/** The two compilations of fhe/kernel: `debug` asserts the ranges that the contracts state. */
export type KernelBuild = 'release' | 'debug';

/** What the kernel exports; see fhe/kernel/assembly/tape.ts. */
export type KernelExports = {
  /** Works on a tape; 0, or 1 if another thread failed. */
  run(control: number, tape: number, count: number, patienceMs: number): number;
  /** Waits for the end of a tape; 0, or 1 if another thread failed. */
  wait(control: number, count: number, patienceMs: number): number;
};

const compiled = new Map<KernelBuild, WebAssembly.Module>();

/**
 * The compiled kernel, read once.
 *
 * @throws FheError FHE_STATE where set-up did not build it.
 */
export function loadKernelModule(build: KernelBuild = 'release'): WebAssembly.Module {
  const known = compiled.get(build);
  if (known !== undefined) return known;
  const url = new URL(`../../kernel/dist/kernel.${build}.wasm`, import.meta.url);
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = new Uint8Array(readFileSync(url));
  } catch (cause) {
    throw new FheError(
      'FHE_STATE',
      `the arithmetic kernel is not compiled (${build}): run "node fhe/kernel/build.mjs"`,
      { cause },
    );
  }
  const module = new WebAssembly.Module(bytes);
  compiled.set(build, module);
  return module;
}

/** One instance for each thread; all share `memory`. Instances hold no state of their own. */
export function instantiateKernel(module: WebAssembly.Module, memory: WebAssembly.Memory): KernelExports {
  const instance = new WebAssembly.Instance(module, {
    env: {
      memory,
      abort(_message: number, _file: number, line: number, column: number): never {
        throw new FheError('FHE_STATE', `kernel assertion failed at line ${line}, column ${column}`);
      },
    },
  });
  return instance.exports as unknown as KernelExports;
}
