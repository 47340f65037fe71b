import { confusionTable } from '#network/training/confusion.ts';
import type { Evaluation } from './evaluate-network.ts';

/** What `blindsight evaluate --json` prints; the keys are a contract. */
export function evaluationJson(evaluation: Evaluation): object {
  const { images, clearAccuracy, encryptedAccuracy, agreement, worstLogitError, latencyMs } = evaluation;
  const { ringDegree, logQP, bundleBytes } = evaluation;
  return {
    images,
    clearAccuracy,
    encryptedAccuracy,
    agreement,
    worstLogitError,
    latencyMs,
    ringDegree,
    logQP,
    bundleBytes,
  };
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}

/** The outcome as Markdown: figures, then the confusion matrix of the encrypted answers. */
export function evaluationText(evaluation: Evaluation): string {
  const { latencyMs, withheld } = evaluation;
  const rows: readonly (readonly [string, string])[] = [
    ['pictures', String(evaluation.images)],
    ['accuracy, clear', percent(evaluation.clearAccuracy)],
    ['accuracy, encrypted', percent(evaluation.encryptedAccuracy)],
    ['same answer as in the clear', percent(evaluation.agreement)],
    [
      'worst logit error',
      `${evaluation.worstLogitError.toExponential(2)} (largest logit ${evaluation.largestLogit.toFixed(1)})`,
    ],
    ['answers withheld', String(withheld)],
    [
      'encrypt and evaluate one picture',
      `median ${latencyMs.median.toFixed(1)} ms, 95 % within ${latencyMs.p95.toFixed(1)} ms`,
    ],
    [
      'security',
      `128 bits: N = ${evaluation.ringDegree}, log2(Q·P) = ${evaluation.logQP.toFixed(1)}, ternary secret`,
    ],
    ['bundle', `${(evaluation.bundleBytes / 1e6).toFixed(1)} MB`],
  ];
  return [
    '| | |',
    '|---|---:|',
    ...rows.map(([name, value]) => `| ${name} | ${value} |`),
    '',
    'Encrypted answers:',
    '',
    confusionTable(evaluation.confusion, evaluation.labels),
    '',
  ].join('\n');
}
