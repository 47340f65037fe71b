import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { engineThreads, frameWork } from '#fhe/design';
import { createDecryptor, type OwnerKeys } from '#fhe/secret';
import type { CompiledNetwork } from '#network/compiler/compiled-network.ts';
import { interpretationError } from '#network/compiler/interpretation-error.ts';
import { networkTitle } from '../network-title.ts';
import { type ClearCase, openClearCase } from './clear-case.ts';
import type { ClearResult, FormFigures, LimitShare } from './clear-result.ts';
import { betterLimits, type MachineLimits, measureLimits } from './machine-limits.ts';
import { MeasuredProcess } from './measured-process.ts';
import type { Finished } from './messages.ts';
import { protectCase } from './protect-case.ts';

/** How long to measure: rounds, in each of which every form runs for so long. */
export type Patience = { readonly rounds: number; readonly milliseconds: number };

/**
 * Measures a network encrypted and in the clear, each in a process of its own, in turn, so that whatever else the machine does meets all of them alike.
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
  const folder = await mkdtemp(join(tmpdir(), 'blindsight-clear-'));
  const processes: MeasuredProcess[] = [];
  try {
    const keys = await protectCase(given.compiled, folder);
    signal?.throwIfAborted();
    const file = join(folder, 'network.onnx');
    await writeFile(file, given.onnx);
    const start = async (subject: Parameters<typeof MeasuredProcess.open>[0]): Promise<MeasuredProcess> => {
      const opened = await MeasuredProcess.open(subject, given.pictures, signal);
      processes.push(opened);
      return opened;
    };
    const encrypted = await start({ kind: 'engine', folder });
    // One thread may well be faster on a small network: the better of the two counts.
    const clear = [];
    for (const threads of new Set([1, engineThreads()]))
      clear.push({ threads, process: await start({ kind: 'onnx', file, shape: given.shape, threads }) });
    let limits = await measureLimits();
    for (let round = 0; round < rounds; round++) {
      onRound(round);
      for (const process of processes) await process.run(milliseconds, signal);
      limits = betterLimits(limits, await measureLimits());
    }
    const fastest = clear.reduce((best, next) =>
      next.process.figures.medianMs < best.process.figures.medianMs ? next : best,
    );
    const secret = await encrypted.finish(signal);
    const truth = await fastest.process.finish(signal);
    const work = frameWork(given.compiled.verified);
    return {
      network: networkTitle(network),
      ringDegree: given.compiled.report.ringDegree,
      replaced: given.replaced,
      emptyBytes: encrypted.opened.emptyBytes,
      encrypted: figuresOf(encrypted, secret, work.bytes),
      clear: {
        ...figuresOf(fastest.process, truth, given.parameterBytes),
        threads: fastest.threads,
      },
      worstError: await worstError(given, keys, secret, truth),
      limit: shareOfLimit(given.compiled, limits, encrypted.figures.medianMs),
    };
  } finally {
    await Promise.all(processes.map((process) => process.close()));
    await rm(folder, { recursive: true });
  }
}

function figuresOf(process: MeasuredProcess, { peakBytes }: Finished, bytesRead: number): FormFigures {
  return { ...process.figures, runtime: process.opened.runtime, peakBytes, bytesRead };
}

function shareOfLimit({ verified }: CompiledNetwork, machine: MachineLimits, medianMs: number): LimitShare {
  const work = frameWork(verified);
  const bytesMs = (1000 * work.bytes) / machine.bytes;
  const productsMs = 1000 * (work.products / machine.products + work.butterflies / machine.butterflies);
  return { machine, bytesMs, productsMs, share: Math.max(bytesMs, productsMs) / medianMs };
}

/** See {@link ClearResult.worstError}. */
async function worstError(
  { compiled: { verified, interpretation } }: ClearCase,
  keys: OwnerKeys,
  secret: Finished,
  clear: Finished,
): Promise<number> {
  const decryptor = await createDecryptor(verified, keys);
  try {
    let [error, largest] = [0, 0];
    for (const [i, ciphertext] of secret.answers.entries()) {
      const truth = clear.answers[i] as Float32Array;
      const slots = decryptor.decrypt(ciphertext as Uint8Array);
      error = Math.max(error, interpretationError(slots, interpretation, truth).logitError);
      for (const logit of truth) largest = Math.max(largest, Math.abs(logit));
    }
    return error / largest;
  } finally {
    decryptor.close();
  }
}
