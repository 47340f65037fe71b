import { readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEngineInterpreter, decodeProgram, verifyProgram } from '#fhe';
import { HashedFile } from '#runtime/hashed-file.ts';
import type { Runner } from './runner.ts';

/** The engine as a gateway loads it: program and public key in memory, constants and evaluation keys read from their files. */
export async function openEngine(folder: string): Promise<Runner> {
  const read = (name: string): Uint8Array => readFileSync(join(folder, name));
  const open = (name: string): HashedFile =>
    new HashedFile(join(folder, name), name, statSync(join(folder, name)).size);
  const [constants, evaluationKeys] = [open('constants'), open('evaluation-keys')];
  const program = verifyProgram(decodeProgram(read('program')));
  const material = { program, constants, evaluationKeys, publicKey: read('public-key') };
  const interpreter = await createEngineInterpreter(material, { folder: tmpdir() });
  constants.close();
  evaluationKeys.close();
  return {
    runtime: 'engine',
    run: async (picture) => interpreter.run(picture).ciphertext,
  };
}
