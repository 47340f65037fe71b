import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { decode } from 'cborg';
import {
  createEngineInterpreter,
  createReferenceInterpreter,
  decodeProgram,
  FheError,
  type Interpreter,
  type InterpreterMaterial,
  type SharedLane,
  type SharingInterpreter,
  type VerifiedProgram,
  verifyProgram,
} from '#fhe';
import { BlindsightError, type ErrorCode } from '#protocol/errors.ts';
import type { BundlePartName } from '#protocol/manifest.ts';
import type { InterpreterKind } from './bundle.ts';
import type { OpenRequest, SelfTest } from './worker-messages.ts';

export type LoadedBundle = {
  readonly interpreter: Interpreter;
  readonly verified: VerifiedProgram;
  /** Null for the reference interpreter, and where none was asked for. */
  readonly lane: SharedLane | null;
};

/**
 * Turns the files of a bundle into an interpreter that can be trusted to compute what the owner intended:
 *
 * 1. each part has the size and the digest that the signed manifest gives;
 * 2. the program decodes and passes the verifier;
 * 3. the interpreter accepts constants and keys;
 * 4. the self-test inputs, encrypted by the owner, give exactly the answer that the owner computed with that interpreter, or with the other one.
 *
 * Runs in a worker thread.
 *
 * @throws BlindsightError BUNDLE_DIGEST, BUNDLE_PROGRAM, BUNDLE_KEY_MISSING or BUNDLE_SELF_TEST
 */
export async function loadBundle(request: OpenRequest): Promise<LoadedBundle> {
  const program = await readPart(request, 'program');
  const parts = {
    publicKey: await readPart(request, 'public-key'),
    constants: await readPart(request, 'constants'),
    evaluationKeys: await readPart(request, 'evaluation-keys'),
  };
  const verified = refusing(() => verifyProgram(decodeProgram(program)));
  const material = { program: verified, ...parts };
  const { kind, threads, selfTest } = request;
  if (selfTest !== null && selfTest.kind !== kind) {
    const tester = await create(selfTest.kind, material, threads);
    try {
      await runSelfTest(request, tester, selfTest);
    } finally {
      await tester.close();
    }
  }
  const interpreter = await create(kind, material, threads);
  try {
    if (selfTest?.kind === kind) await runSelfTest(request, interpreter, selfTest);
  } catch (error) {
    await interpreter.close();
    throw error;
  }
  const lane = request.share && 'share' in interpreter ? interpreter.share() : null;
  return { interpreter, verified, lane };
}

async function readPart(request: OpenRequest, name: BundlePartName): Promise<Uint8Array> {
  const part = request.parts.find((candidate) => candidate.name === name);
  const path = join(request.directory, name);
  const size = await stat(path).then(
    (found) => found.size,
    () => null,
  );
  if (part === undefined || size !== part.bytes) {
    const found = size === null ? 'is missing' : `has ${size} bytes`;
    throw new BlindsightError('BUNDLE_DIGEST', `part ${name} ${found}, expected ${part?.bytes ?? 'none'}`);
  }
  const bytes = await readFile(path);
  const digest = createHash('sha256').update(bytes).digest('hex');
  if (digest !== part.sha256) {
    throw new BlindsightError('BUNDLE_DIGEST', `part ${name} has digest ${digest}, expected ${part.sha256}`);
  }
  return bytes;
}

async function create(
  kind: InterpreterKind,
  material: InterpreterMaterial,
  threads: number,
): Promise<Interpreter | SharingInterpreter> {
  try {
    if (kind === 'reference') return await createReferenceInterpreter(material);
    return await createEngineInterpreter(material, { threads });
  } catch (error) {
    throw asBundleError(error);
  }
}

async function runSelfTest(
  request: OpenRequest,
  interpreter: Interpreter,
  { kind, sha256 }: SelfTest,
): Promise<void> {
  const inputs = decodeInputs(await readPart(request, 'self-test'));
  const answer = refusing(() => interpreter.runEncrypted(inputs));
  const digest = createHash('sha256').update(answer).digest('hex');
  if (digest !== sha256) {
    throw new BlindsightError(
      'BUNDLE_SELF_TEST',
      `the ${kind} interpreter answers the self-test with ${digest}, expected ${sha256}`,
    );
  }
}

/** The self-test part: a CBOR array of byte strings, one serialized ciphertext for each program input. */
function decodeInputs(bytes: Uint8Array): Uint8Array[] {
  let inputs: unknown;
  try {
    inputs = decode(bytes, { strict: true });
  } catch (cause) {
    throw new BlindsightError('BUNDLE_SELF_TEST', 'the self-test part is not CBOR', { cause });
  }
  if (!Array.isArray(inputs) || !inputs.every((input) => input instanceof Uint8Array)) {
    throw new BlindsightError('BUNDLE_SELF_TEST', 'the self-test part is not an array of byte strings');
  }
  return inputs;
}

function refusing<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw asBundleError(error);
  }
}

function asBundleError(error: unknown): BlindsightError {
  const message = error instanceof Error ? error.message : String(error);
  const missing = error instanceof FheError && error.code === 'FHE_KEY_MISSING';
  const code: ErrorCode = missing ? 'BUNDLE_KEY_MISSING' : 'BUNDLE_PROGRAM';
  return new BlindsightError(code, message, { cause: error });
}
