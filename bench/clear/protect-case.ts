import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeProgram } from '#fhe';
import { createOwnerKeys, encryptConstants, makeEvaluationKeys, type OwnerKeys } from '#fhe/secret';
import type { CompiledNetwork } from '#network/compiler/compiled-network.ts';

/** Makes keys, encrypts all parameters, and writes what a gateway gets to files in `folder`. @returns the keys, which stay with the owner */
export async function protectCase(
  { program, verified, constants }: CompiledNetwork,
  folder: string,
): Promise<OwnerKeys> {
  const keys = await createOwnerKeys(verified.parameters, program.resultRing);
  const write = (name: string, bytes: Uint8Array): Promise<void> => writeFile(join(folder, name), bytes);
  await write('program', encodeProgram(program));
  await write('public-key', keys.publicKey);
  await write('constants', await encryptConstants(verified, keys.secretKey, constants));
  await write('evaluation-keys', await makeEvaluationKeys(verified, keys));
  return keys;
}
