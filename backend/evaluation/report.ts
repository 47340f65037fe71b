import { confusionTable, rateText } from '#network/model/confusion.ts';
import type { Evaluation } from './evaluate-network.ts';

/** What `blindsight evaluate --json` prints; the keys are a contract. Without encryption there are no keys about it. */
export function evaluationJson(evaluation: Evaluation): object {
  const { images, clearAccuracy, polynomialAccuracy, encryptedAccuracy, agreement } = evaluation;
  const { worstLogitError, latencyMs, ringDegree, logQP, bundleBytes, memory, regions } = evaluation;
  return {
    images,
    clearAccuracy,
    polynomialAccuracy,
    ...(bundleBytes === null ? { programAccuracy: encryptedAccuracy } : { encryptedAccuracy }),
    agreement,
    worstLogitError,
    latencyMs,
    ringDegree,
    logQP,
    ...(bundleBytes !== null && { bundleBytes }),
    ...(memory !== null && memory),
    ...(regions > 1 && { regions, pictureLatencyMs: pictureLatency(evaluation) }),
  };
}

/** Time for each picture of a ciphertext. */
function pictureLatency({ latencyMs, regions }: Evaluation): Evaluation['latencyMs'] {
  return { median: latencyMs.median / regions, p95: latencyMs.p95 / regions };
}

/** Time for one run and, where it answers several pictures, for one picture. */
function latencyRows(evaluation: Evaluation): (readonly [string, string])[] {
  const text = ({ median, p95 }: Evaluation['latencyMs']): string =>
    `median ${median.toFixed(1)} ms, 95 % within ${p95.toFixed(1)} ms`;
  const { regions, latencyMs, bundleBytes } = evaluation;
  const clear = bundleBytes === null;
  const what = clear ? 'run the program on' : 'encrypt and evaluate';
  if (regions === 1) return [[`${what} one picture`, text(latencyMs)]];
  return [
    [clear ? `${what} ${regions} pictures` : `${what} one ciphertext, ${regions} pictures`, text(latencyMs)],
    ['the same for each picture', text(pictureLatency(evaluation))],
  ];
}

/** Accuracy: as given, as polynomial where that differs, and as the engine answered. */
function accuracyRows(evaluation: Evaluation): (readonly [string, string])[] {
  const { images, approximated, clearAccuracy, polynomialAccuracy, encryptedAccuracy, bundleBytes } =
    evaluation;
  return [
    [
      approximated ? 'accuracy, as given' : 'accuracy, as given (polynomial already)',
      rateText(clearAccuracy, images),
    ],
    ...(approximated ? [['accuracy, as polynomial', rateText(polynomialAccuracy, images)] as const] : []),
    [
      bundleBytes === null ? 'accuracy, as program' : 'accuracy, encrypted',
      rateText(encryptedAccuracy, images),
    ],
  ];
}

/** What the engine takes, and what it reads from disk where that is not enough. */
function memoryRows({ memory, latencyMs }: Evaluation): (readonly [string, string])[] {
  if (memory === null) return [];
  const rows: [string, string][] = [['memory of the engine', `${(memory.memoryBytes / 1e6).toFixed(0)} MB`]];
  if (memory.bytesPerRun > 0) {
    const speed = memory.bytesPerRun / 1e6 / (latencyMs.median / 1e3);
    rows.push([
      'read from disk for each picture',
      `${(memory.bytesPerRun / 1e6).toFixed(0)} MB, ${speed.toFixed(0)} MB/s`,
    ]);
  }
  return rows;
}

/** The outcome as Markdown: figures, then the confusion matrix of the answers. */
export function evaluationText(evaluation: Evaluation): string {
  const { images, approximated, agreement, withheld, leftOut, bundleBytes, ringDegree, logQP } = evaluation;
  const rows: readonly (readonly [string, string])[] = [
    ['pictures', String(images)],
    ...accuracyRows(evaluation),
    [
      approximated ? 'same answer as the polynomial in the clear' : 'same answer as in the clear',
      rateText(agreement, images),
    ],
    [
      'worst logit error',
      `${evaluation.worstLogitError.toExponential(2)} (largest logit ${evaluation.largestLogit.toFixed(1)})`,
    ],
    ['answers withheld', String(withheld)],
    ...(leftOut === 0
      ? []
      : [['calibration pictures left out, far from all others', String(leftOut)] as const]),
    ...latencyRows(evaluation),
    ...(bundleBytes === null
      ? []
      : ([
          ['security', `128 bits: N = ${ringDegree}, log2(Q·P) = ${logQP.toFixed(1)}, ternary secret`],
          ['bundle', `${(bundleBytes / 1e6).toFixed(1)} MB`],
        ] as const)),
    ...memoryRows(evaluation),
  ];
  return [
    '| | |',
    '|---|---:|',
    ...rows.map(([name, value]) => `| ${name} | ${value} |`),
    '',
    bundleBytes === null ? 'Answers of the program:' : 'Encrypted answers:',
    '',
    confusionTable(evaluation.confusion, evaluation.labels),
    '',
  ].join('\n');
}
