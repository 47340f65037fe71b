import { describe, expect, it } from 'vitest';
import { importSpecifiers } from '../../deploy/edge/import-specifiers.ts';
import { isTest, readSource, repositoryFiles, resolveSpecifier } from '../../test/source-files.ts';

const product = repositoryFiles().filter(
  (file) => /\.(ts|tsx|mjs)$/.test(file) && !isTest(file) && !file.startsWith('bench/'),
);

/** Comments and types do not exist at run time. */
const code = (file: string): string => readSource(file).replace(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/[^\n]*/g, '');
const matching = (files: readonly string[], pattern: RegExp): string[] =>
  files.filter((file) => pattern.test(code(file)));
const within = (folder: string): string[] => product.filter((file) => file.startsWith(folder));

/** Product files that import more than types from `target`. */
function importers(target: string): string[] {
  return product.filter((file) => {
    const text = code(file).replace(/^import type [\s\S]*?;$/gm, '');
    return importSpecifiers(text).some((specifier) => resolveSpecifier(file, specifier) === target);
  });
}

/**
 * Tests need pure functions of seeds, but nobody else may reach them: a seed that is known or used twice opens ciphertexts.
 */
describe('randomness of product code', () => {
  it('comes from the operating system in two places of fhe/, and from nowhere else', () => {
    const fhe = within('fhe/');
    expect(matching(fhe, /\brandomBytes\s*\(/)).toEqual([
      'fhe/engine/evaluator/encryptor.ts',
      'fhe/secret/symmetric.ts',
    ]);
    expect(
      matching(fhe, /Math\.random|getRandomValues|randomFill|randomInt|randomUUID|pseudoRandomBytes/),
    ).toEqual([]);
    expect(matching(fhe, /createCipheriv\s*\(/)).toEqual([
      'fhe/engine/evaluator/encryptor.ts',
      'fhe/ring/samplers.ts',
      // Noise on an answer, which must be the same for the same ciphertext.
      'fhe/secret/answer-noise.ts',
    ]);
  });

  it('makes seeds where they are used, and takes none from a caller', () => {
    expect(importers('fhe/secret/key-switch-key.ts')).toEqual(['fhe/secret/evaluation-keys.ts']);
    expect(importers('fhe/secret/ring-switch-key.ts')).toEqual(['fhe/secret/evaluation-keys.ts']);
    expect(importers('fhe/secret/symmetric.ts')).toEqual([
      'fhe/secret/encrypt.ts',
      'fhe/secret/evaluation-keys.ts',
      'fhe/secret/owner-keys.ts',
    ]);
    // The public key is an encryption of zero; other files use no function of symmetric.ts that takes seeds.
    expect(matching(product, /\bencryptSeeded\s*\(/)).toEqual([
      'fhe/secret/owner-keys.ts',
      'fhe/secret/symmetric.ts',
    ]);
    for (const file of [
      'fhe/secret/evaluation-keys.ts',
      'fhe/secret/owner-keys.ts',
      'fhe/secret/symmetric.ts',
    ]) {
      const calls = [...code(file).matchAll(/\b(?:seeds)\s*=\s*([^;]+);/g)].map((match) => match[1]);
      expect(calls.length).toBeGreaterThan(0);
      expect(new Set(calls)).toEqual(new Set(['freshSeeds()']));
    }
  });

  it('leaves the samplers of errors to the owner', () => {
    expect(matching(product, /\bsampleError\s*\(/)).toEqual([
      'fhe/kernel/assembly/encrypt.ts',
      'fhe/kernel/assembly/tape.ts',
      'fhe/ring/samplers.ts',
      'fhe/secret/key-switch-key.ts',
      'fhe/secret/ring-switch-key.ts',
      'fhe/secret/symmetric.ts',
    ]);
  });

  it('chooses neither the kernel with assertions nor the digits of SEAL', () => {
    const outside = product.filter((file) => !file.startsWith('fhe/'));
    expect(matching(outside, /build:\s*'debug'|digits:\s*'seal'/)).toEqual([]);
  });
});
