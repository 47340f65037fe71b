import { setImmediate } from 'node:timers/promises';
import type { Program } from '#fhe';
import { interpretSlots } from '#fhe/secret';
import type { CompiledNetwork } from '#network/compiler/compiled-network.ts';
import { interpretationError } from '#network/compiler/interpretation-error.ts';
import { runSteps } from '#network/compiler/lowering/run-steps.ts';
import type { StepNetwork } from '#network/compiler/lowering/steps.ts';
import { type EngineKind, openAnswerer } from './answerer.ts';
import { quantile } from './quantile.ts';

/** A network, pictures, and what an answer is. */
export type FramesRequest<Answer> = {
  readonly compiled: CompiledNetwork;
  /** The same network in the clear. */
  readonly steps: StepNetwork;
  readonly engine: EngineKind;
  /** Prepared, one after the other, as many as `frames` says: at least one. */
  readonly pictures: Float32Array;
  readonly frames: number;
  /** What the outputs say; they are wiped afterwards. */
  readonly round: (outputs: Float64Array) => Answer;
  readonly isSame: (one: Answer, other: Answer) => boolean;
  readonly onAnswer: (done: number) => void;
  /** Ends the measurement; the result is what was measured until then. */
  readonly signal?: AbortSignal;
  /** Called and awaited before every ciphertext. */
  readonly beforeFrame?: (program: Program) => Promise<void>;
};

/** What was answered about one picture. */
export type FrameAnswer<Answer> = {
  /** Of the program that was run; null if it is withheld. */
  readonly answer: Answer | null;
  /** Of the same network in the clear. */
  readonly clear: Answer;
  /** The network's values in the clear. */
  readonly outputs: Float64Array;
};

/** How far encrypted answers are from those in the clear, and what they cost. */
export type AnswerFigures = {
  /** Share of the pictures with the same answer as in the clear. */
  readonly agreement: number;
  /** Largest |encrypted − clear| of any output in any copy. */
  readonly worstLogitError: number;
  /** Largest |output| in the clear, to judge the error by. */
  readonly largestLogit: number;
  /** Answers that the decryptor would withhold; they disagree. */
  readonly withheld: number;
  /** The gateway's part of a picture: encryption and evaluation. */
  readonly latencyMs: { readonly median: number; readonly p95: number };
  readonly ringDegree: number;
  readonly logQP: number;
  /** Null where nothing is encrypted. */
  readonly bundleBytes: number | null;
  readonly program: Program;
};

/**
 * Protects a network in memory, and answers every picture with it and with the clear one.
 *
 * @throws the signal's reason before the first picture is measured.
 */
export async function answerFrames<Answer>(
  request: FramesRequest<Answer>,
): Promise<AnswerFigures & { readonly answers: readonly FrameAnswer<Answer>[] }> {
  const { compiled, steps, engine, pictures, frames, round, isSame, onAnswer, signal, beforeFrame } = request;
  const { interpretation, program } = compiled;
  const size = pictures.length / frames;
  const answers: FrameAnswer<Answer>[] = [];
  const latencies: number[] = [];
  let [agreeing, withheld, worstLogitError, largestLogit] = [0, 0, 0, 0];
  const answerer = await openAnswerer(compiled, engine);
  try {
    // A warm-up frame, not counted: code gets compiled and caches fill.
    await answerer.answer(pictures.subarray(0, size));
    signal?.throwIfAborted();
    while (answers.length < frames && !signal?.aborted) {
      await beforeFrame?.(program);
      const picture = pictures.subarray(answers.length * size, (answers.length + 1) * size);
      const outputs = runSteps(steps, picture);
      const clear = round(outputs);
      const { slots, latencyMs } = await answerer.answer(picture);
      latencies.push(latencyMs);
      const { logitError } = interpretationError(slots, interpretation, outputs);
      worstLogitError = Math.max(worstLogitError, logitError);
      for (const output of outputs) largestLogit = Math.max(largestLogit, Math.abs(output));
      const read = interpretSlots(slots, interpretation, { round });
      const answer = read.ok ? read.answers[0]! : null;
      if (answer === null) withheld++;
      else if (isSame(answer, clear)) agreeing++;
      answers.push({ answer, clear, outputs });
      onAnswer(answers.length);
      await setImmediate();
    }
  } finally {
    await answerer.close();
  }
  const { ringDegree, logQP } = compiled.report;
  const measured = Float64Array.from(latencies);
  return {
    agreement: agreeing / answers.length,
    ...{ worstLogitError, largestLogit, withheld },
    latencyMs: { median: quantile(measured, 0.5), p95: quantile(measured, 0.95) },
    ...{ ringDegree, logQP, bundleBytes: answerer.bundleBytes, program, answers },
  };
}
