import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { KernelBuild } from './kernel-module.ts';

/** SHA-256 of the compiled kernel, hexadecimal; empty if set-up did not build it. Measurements with another kernel do not count. */
export function kernelDigest(build: KernelBuild = 'release'): string {
  try {
    const bytes = readFileSync(new URL(`../../kernel/dist/kernel.${build}.wasm`, import.meta.url));
    return createHash('sha256').update(bytes).digest('hex');
  } catch {
    return '';
  }
}
