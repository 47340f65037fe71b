import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEngineInterpreter, decodeProgram, type Interpreter, verifyProgram } from '#fhe';
import { encodePlainConstants, withPlainWeights } from '#fhe/testing';
import { HashedFile } from '#runtime/hashed-file.ts';
import type { Runner } from './runner.ts';

/** The engine as a gateway loads it: program and public key in memory, constants and evaluation keys read from their files. */
export async function openEngine(folder: string): Promise<Runner> {
  const constants = openPart(folder, 'constants');
  const evaluationKeys = openPart(folder, 'evaluation-keys');
  const program = verifyProgram(decodeProgram(readFileSync(join(folder, 'program'))));
  const publicKey = readFileSync(join(folder, 'public-key'));
  const material = { program, constants, evaluationKeys, publicKey };
  const interpreter = await createEngineInterpreter(material, { folder: tmpdir() });
  constants.close();
  evaluationKeys.close();
  return runnerOf('engine, encrypted weights', interpreter);
}

/** The same with weights that are not encrypted. */
export async function openPlainEngine(folder: string): Promise<Runner> {
  const evaluationKeys = openPart(folder, 'evaluation-keys');
  const program = verifyProgram(withPlainWeights(decodeProgram(readFileSync(join(folder, 'program')))));
  const publicKey = readFileSync(join(folder, 'public-key'));
  const values = readSlots(join(folder, 'slots'), program.parameters.slots);
  const constants = encodePlainConstants(program, values);
  const interpreter = await createEngineInterpreter({ program, constants, evaluationKeys, publicKey });
  evaluationKeys.close();
  return runnerOf('engine, plain weights', interpreter);
}

function openPart(folder: string, name: string): HashedFile {
  const path = join(folder, name);
  return new HashedFile(path, name, statSync(path).size);
}

/** Vectors of so many float64 values, one at a time. */
function* readSlots(path: string, count: number): Generator<Float64Array> {
  const file = openSync(path, 'r');
  try {
    for (;;) {
      const values = new Float64Array(count);
      if (readSync(file, new Uint8Array(values.buffer)) < values.byteLength) return;
      yield values;
    }
  } finally {
    closeSync(file);
  }
}

function runnerOf(runtime: string, interpreter: Interpreter): Runner {
  return { runtime, run: async (picture) => interpreter.run(picture).ciphertext };
}
