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
import type { BundlePart, BundlePartName } from '#protocol/manifest.ts';
import { HashedFile, unreadable } from '#runtime/hashed-file.ts';
import type { InterpreterKind } from './bundle.ts';
import type { OpenProgress, OpenRequest, SelfTest } from './worker-messages.ts';

export type LoadedBundle = {
  readonly interpreter: Interpreter | SharingInterpreter;
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
 * Constants and evaluation keys are not in memory as a whole: they are loaded as they are read, and their digests are known, and checked, before the
 * interpreter computes anything. Runs in a worker thread.
 *
 * @param onProgress told now and then how far it is
 * @throws BlindsightError FHE_MEMORY or FHE_DISK where the machine cannot run it; NETWORK_MEMORY where it could with the disk; BUNDLE_DIGEST, BUNDLE_PROGRAM, BUNDLE_KEY_MISSING or BUNDLE_SELF_TEST
 */
export async function loadBundle(
  request: OpenRequest,
  onProgress: (progress: OpenProgress) => void = () => undefined,
): Promise<LoadedBundle> {
  const program = await readPart(request, 'program');
  const publicKey = await readPart(request, 'public-key');
  const verified = refusing(() => verifyProgram(decodeProgram(program)));
  const opened: HashedFile[] = [];
  try {
    const open = async (name: BundlePartName): Promise<HashedFile> => {
      const { path, part } = await findPart(request, name);
      const file = new HashedFile(path, name, part.bytes);
      opened.push(file);
      return file;
    };
    const parts = {
      ...{ constants: await open('constants'), evaluationKeys: await open('evaluation-keys') },
      finish: () => {
        for (const [file, name] of [
          [parts.constants, 'constants'],
          [parts.evaluationKeys, 'evaluation-keys'],
        ] as const) {
          file.finish(partOf(request, name)!.sha256);
        }
      },
    };
    const material = { program: verified, publicKey, ...parts };
    return await openMaterial(request, material, onProgress);
  } finally {
    for (const file of opened) file.close();
  }
}

/** Material from files, and what says in the end that they were those of the manifest. */
type FileMaterial = InterpreterMaterial & { readonly finish: () => void };

async function openMaterial(
  request: OpenRequest,
  material: FileMaterial,
  onProgress: (progress: OpenProgress) => void,
): Promise<LoadedBundle> {
  const { kind, selfTest } = request;
  const { program: verified } = material;
  if (selfTest !== null && selfTest.kind !== kind) {
    const tester = await create(selfTest.kind, material, request, onProgress);
    try {
      await runSelfTest(request, tester, selfTest, onProgress);
    } finally {
      await tester.close();
    }
  }
  const interpreter = await create(kind, material, request, onProgress);
  try {
    if (selfTest?.kind === kind) await runSelfTest(request, interpreter, selfTest, onProgress);
  } catch (error) {
    await interpreter.close();
    throw error;
  }
  const lane = request.laneTo !== null && 'share' in interpreter ? interpreter.share() : null;
  return { interpreter, verified, lane };
}

function partOf({ parts }: OpenRequest, name: BundlePartName): BundlePart | undefined {
  return parts.find((candidate) => candidate.name === name);
}

/** @throws BlindsightError BUNDLE_DIGEST for a file of another size; FHE_DISK where the disk does not say */
async function findPart(
  request: OpenRequest,
  name: BundlePartName,
): Promise<{ readonly path: string; readonly part: BundlePart }> {
  const part = partOf(request, name);
  const path = join(request.directory, name);
  const size = await stat(path).then(
    (found) => found.size,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw unreadable(name, error);
    },
  );
  if (part === undefined || size !== part.bytes) {
    const found = size === null ? 'is missing' : `has ${size} bytes`;
    throw new BlindsightError('BUNDLE_DIGEST', `part ${name} ${found}, expected ${part?.bytes ?? 'none'}`);
  }
  return { path, part };
}

async function readPart(request: OpenRequest, name: BundlePartName): Promise<Uint8Array> {
  const { path, part } = await findPart(request, name);
  const bytes = await readFile(path).catch((error: unknown) => {
    throw unreadable(name, error);
  });
  const digest = createHash('sha256').update(bytes).digest('hex');
  if (digest !== part.sha256) {
    throw new BlindsightError('BUNDLE_DIGEST', `part ${name} has digest ${digest}, expected ${part.sha256}`);
  }
  return bytes;
}

async function create(
  kind: InterpreterKind,
  material: FileMaterial,
  { threads, directory, memoryBytes, mayUseDisk }: OpenRequest,
  onProgress: (progress: OpenProgress) => void,
): Promise<Interpreter | SharingInterpreter> {
  let interpreter: Interpreter | SharingInterpreter;
  try {
    interpreter =
      kind === 'reference'
        ? await createReferenceInterpreter(material)
        : await createEngineInterpreter(material, {
            ...{ threads, onProgress },
            ...(mayUseDisk && { folder: directory }),
            ...(memoryBytes !== null && { memoryBytes }),
          });
  } catch (error) {
    if (!mayUseDisk && error instanceof FheError && error.code === 'FHE_TOO_LARGE') {
      const megabytes = Math.floor((memoryBytes ?? 0) / 2 ** 20);
      throw new BlindsightError('NETWORK_MEMORY', `it takes more than the ${megabytes} MB that are left`);
    }
    // Bytes that nobody signed may be refused for any reason: that they are not those is said first. Not where all of them were not even read.
    if (error instanceof FheError && !isOfMachine(error)) material.finish();
    throw asBundleError(error);
  }
  try {
    material.finish();
    return interpreter;
  } catch (error) {
    await interpreter.close();
    throw error;
  }
}

/** Whether it is the machine that cannot run the program, and not the bundle that is wrong. */
function isOfMachine({ code }: FheError): boolean {
  return code === 'FHE_MEMORY' || code === 'FHE_DISK';
}

async function runSelfTest(
  request: OpenRequest,
  interpreter: Interpreter | SharingInterpreter,
  { kind, sha256 }: SelfTest,
  onProgress: (progress: OpenProgress) => void,
): Promise<void> {
  const inputs = decodeInputs(await readPart(request, 'self-test'));
  // It blocks this thread: another one sees by it that a slow disk is read.
  if ('diskUse' in interpreter && interpreter.diskUse !== null) onProgress(interpreter.diskUse);
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
  if (error instanceof BlindsightError) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof FheError && isOfMachine(error)) {
    return new BlindsightError(error.code, message, { cause: error });
  }
  const missing = error instanceof FheError && error.code === 'FHE_KEY_MISSING';
  const code: ErrorCode = missing ? 'BUNDLE_KEY_MISSING' : 'BUNDLE_PROGRAM';
  return new BlindsightError(code, message, { cause: error });
}
