import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type VerifiedProgram, verifyProgram } from '#fhe';
import { engineThreads, type FrameWork, frameWork } from '#fhe/design';
import { createDecryptor, createOwnerKeys, type OwnerKeys } from '#fhe/secret';
import { withPlainWeights } from '#fhe/testing';
import { interpretationError } from '#network/compiler/interpretation-error.ts';
import { networkTitle } from '../network-title.ts';
import { type ClearCase, openClearCase } from './clear-case.ts';
import type { ClearResult, EngineFigures, LimitShare } from './clear-result.ts';
import { betterLimits, type MachineLimits, measureLimits } from './machine-limits.ts';
import { MeasuredProcess } from './measured-process.ts';
import { compileReader } from './memory-reader.ts';
import type { Subject } from './messages.ts';
import { exposeCase, protectCase } from './protect-case.ts';

/** How long to measure: rounds, in each of which every form runs for so long. */
export type Patience = { readonly rounds: number; readonly milliseconds: number };

/**
 * Measures a network encrypted, with plain weights, and in the clear, each in a process of its own, in turn, so that whatever else the machine does meets
 * all of them alike.
 *
 * @param onRound called before each round
 * @throws NetworkError, FheError as `openClearCase` and the engine; the signal's reason
 */
export async function compareForms(
  network: string,
  { rounds, milliseconds }: Patience,
  onRound: (done: number) => void,
  signal?: AbortSignal,
): Promise<ClearResult> {
  const given = await openClearCase(network);
  signal?.throwIfAborted();
  const { program, verified } = given.compiled;
  const plain = verifyProgram(withPlainWeights(program));
  const keys = await createOwnerKeys(verified.parameters, program.resultRing);
  const folder = await mkdtemp(join(tmpdir(), 'blindsight-clear-'));
  const processes = new Processes(given, signal);
  try {
    const [encryptedFolder, plainFolder] = [join(folder, 'encrypted'), join(folder, 'plain')];
    await protectCase(given.compiled, keys, encryptedFolder);
    await exposeCase(given.compiled, plain, keys, plainFolder);
    const file = join(folder, 'network.onnx');
    await writeFile(file, given.onnx);
    const encrypted = await processes.open({ kind: 'engine', folder: encryptedFolder });
    const plainWeights = await processes.open({ kind: 'plain-engine', folder: plainFolder });
    // One thread may well be faster on a small network: the better of the two counts.
    const clear = [];
    for (const threads of new Set([1, engineThreads()]))
      clear.push({
        threads,
        process: await processes.open({ kind: 'onnx', file, shape: given.shape, threads }),
      });
    const reader = await compileReader();
    let limits = await measureLimits(reader);
    for (let round = 0; round < rounds; round++) {
      onRound(round);
      await processes.run(milliseconds);
      limits = betterLimits(limits, await measureLimits(reader));
    }
    const fastest = clear.reduce((best, next) =>
      next.process.figures.medianMs < best.process.figures.medianMs ? next : best,
    );
    const { answers, peakBytes } = await fastest.process.finish(signal);
    const truth = answers as readonly Float32Array[];
    const work = frameWork(verified);
    const figuresOf = (process: MeasuredProcess, program: VerifiedProgram): Promise<EngineFigures> =>
      engineFigures(process, program, { given, keys, truth }, signal);
    return {
      network: networkTitle(network),
      ringDegree: given.compiled.report.ringDegree,
      replaced: given.replaced,
      emptyBytes: encrypted.opened.emptyBytes,
      encrypted: await figuresOf(encrypted, verified),
      plainWeights: await figuresOf(plainWeights, plain),
      clear: {
        ...fastest.process.figures,
        ...{ runtime: fastest.process.opened.runtime, threads: fastest.threads },
        ...{ peakBytes, bytesRead: given.parameterBytes },
      },
      limit: shareOfLimit(work, limits, encrypted.figures.medianMs),
    };
  } finally {
    await processes.close();
    await rm(folder, { recursive: true });
  }
}

/** The processes of all forms. */
class Processes {
  readonly #given: ClearCase;
  readonly #signal: AbortSignal | undefined;
  readonly #all: MeasuredProcess[] = [];

  constructor(given: ClearCase, signal: AbortSignal | undefined) {
    this.#given = given;
    this.#signal = signal;
  }

  async open(subject: Subject): Promise<MeasuredProcess> {
    const opened = await MeasuredProcess.open(subject, this.#given.pictures, this.#signal);
    this.#all.push(opened);
    return opened;
  }

  async run(milliseconds: number): Promise<void> {
    for (const each of this.#all) await each.run(milliseconds, this.#signal);
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map((each) => each.close()));
  }
}

type Truth = {
  readonly given: ClearCase;
  readonly keys: OwnerKeys;
  /** onnxruntime's logits for each picture. */
  readonly truth: readonly Float32Array[];
};

async function engineFigures(
  process: MeasuredProcess,
  verified: VerifiedProgram,
  { given, keys, truth }: Truth,
  signal: AbortSignal | undefined,
): Promise<EngineFigures> {
  const { answers, peakBytes } = await process.finish(signal);
  const decryptor = await createDecryptor(verified, keys);
  try {
    let [error, largest] = [0, 0];
    for (const [i, ciphertext] of answers.entries()) {
      const slots = decryptor.decrypt(ciphertext as Uint8Array);
      const { logitError } = interpretationError(slots, given.compiled.interpretation, truth[i]!);
      error = Math.max(error, logitError);
      for (const logit of truth[i]!) largest = Math.max(largest, Math.abs(logit));
    }
    return {
      ...process.figures,
      runtime: process.opened.runtime,
      ...{ peakBytes, bytesRead: frameWork(verified).bytes, worstError: error / largest },
    };
  } finally {
    decryptor.close();
  }
}

function shareOfLimit(work: FrameWork, machine: MachineLimits, medianMs: number): LimitShare {
  const bytesMs = (1000 * work.bytes) / machine.bytes;
  const productsMs = 1000 * (work.products / machine.products + work.butterflies / machine.butterflies);
  return { machine, bytesMs, productsMs, share: Math.max(bytesMs, productsMs) / medianMs };
}
