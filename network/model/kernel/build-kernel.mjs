// Compiles assembly/ to kernel-binary.ts: `node network/model/kernel/build-kernel.mjs`. A test holds the two together.
import { writeFile } from 'node:fs/promises';
import { compileKernel } from './compile-kernel.ts';

const binary = await compileKernel();
await writeFile(
  new URL('kernel-binary.ts', import.meta.url),
  [
    '/** WebAssembly of assembly/, base64; written by build-kernel.mjs, so that nothing waits for a compiler. */',
    `export const KERNEL_BINARY =\n  '${Buffer.from(binary).toString('base64')}';`,
    '',
  ].join('\n'),
);
