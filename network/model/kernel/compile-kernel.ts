import asc from 'assemblyscript/asc';
import { NetworkError } from '#network/errors.ts';
import { KERNEL_SOURCE } from './kernel-source.ts';

/** Compiles the matrix kernel to WebAssembly, the same bytes on every machine; takes about a second. */
export async function compileKernel(): Promise<Uint8Array> {
  const { error, binary, stderr } = await asc.compileString(KERNEL_SOURCE, {
    optimizeLevel: 3,
    runtime: 'stub',
    noAssert: true,
    enable: ['simd'],
    importMemory: true,
    initialMemory: 1,
  });
  if (error !== null || binary === null) {
    throw new NetworkError('NETWORK_TRAINING', `the matrix kernel does not compile: ${stderr.toString()}`, {
      cause: error,
    });
  }
  return binary;
}
