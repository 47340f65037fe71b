import type { AnswerFigures } from './answer-frames.ts';

/** Rows of a report: how far answers are from those in the clear, and what they cost. Without encryption there are none about it. */
export function figureRows(
  figures: Omit<AnswerFigures, 'agreement' | 'program'>,
): readonly (readonly [string, string])[] {
  const { worstLogitError, largestLogit, withheld, latencyMs, bundleBytes, ringDegree, logQP } = figures;
  return [
    ['worst output error', `${worstLogitError.toExponential(2)} (largest output ${largestLogit.toFixed(2)})`],
    ['answers withheld', String(withheld)],
    [
      bundleBytes === null ? 'run the program on one picture' : 'encrypt and evaluate one picture',
      `median ${latencyMs.median.toFixed(1)} ms, 95 % within ${latencyMs.p95.toFixed(1)} ms`,
    ],
    ...(bundleBytes === null
      ? []
      : ([
          ['security', `128 bits: N = ${ringDegree}, log2(Q·P) = ${logQP.toFixed(1)}, ternary secret`],
          ['bundle', `${(bundleBytes / 1e6).toFixed(1)} MB`],
        ] as const)),
  ];
}
