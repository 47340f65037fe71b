import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeProgram, type VerifiedProgram } from '#fhe';
import { encryptConstants, makeEvaluationKeys, type OwnerKeys } from '#fhe/secret';
import type { CompiledNetwork } from '#network/compiler/compiled-network.ts';

/** Writes files to a folder that it makes. */
async function folderOf(folder: string): Promise<(name: string, bytes: Uint8Array) => Promise<void>> {
  await mkdir(folder, { recursive: true });
  return (name, bytes) => writeFile(join(folder, name), bytes);
}

/** Encrypts all parameters, and writes what a gateway gets to files in `folder`. */
export async function protectCase(
  { program, verified, constants }: CompiledNetwork,
  keys: OwnerKeys,
  folder: string,
): Promise<void> {
  const write = await folderOf(folder);
  await write('program', encodeProgram(program));
  await write('public-key', keys.publicKey);
  await write('constants', await encryptConstants(verified, keys.secretKey, constants));
  await write('evaluation-keys', await makeEvaluationKeys(verified, keys));
}

/**
 * Writes the same for plain weights: of constants the slots, as float64, because they have no form in which they are sent.
 *
 * @param plain the program with plain weights; the file holds the one with encrypted weights, which has a form
 */
export async function exposeCase(
  { program, verified, constants }: CompiledNetwork,
  plain: VerifiedProgram,
  keys: OwnerKeys,
  folder: string,
): Promise<void> {
  const write = await folderOf(folder);
  await write('program', encodeProgram(program));
  await write('public-key', keys.publicKey);
  const { slots } = verified.parameters;
  const all = new Float64Array(slots * constants.length);
  for (const [i, values] of constants.entries()) all.set(values, i * slots);
  await write('slots', new Uint8Array(all.buffer));
  await write('evaluation-keys', await makeEvaluationKeys(plain, keys));
}
