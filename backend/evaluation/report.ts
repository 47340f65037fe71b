import { confusionTable } from '#network/training/confusion.ts';
import type { Evaluation } from './evaluate-network.ts';

/** What `blindsight evaluate --json` prints; the keys are a contract. */
export function evaluationJson(evaluation: Evaluation): object {
  const { images, clearAccuracy, encryptedAccuracy, agreement, worstLogitError, latencyMs } = evaluation;
  const { ringDegree, logQP, bundleBytes, regions } = evaluation;
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
    ...(regions > 1 && { regions, pictureLatencyMs: pictureLatency(evaluation) }),
  };
}

/** What one of the pictures of a ciphertext takes. */
function pictureLatency({ latencyMs, regions }: Evaluation): Evaluation['latencyMs'] {
  return { median: latencyMs.median / regions, p95: latencyMs.p95 / regions };
}

/** Time for one ciphertext and, where it holds several pictures, for one picture. */
function latencyRows(evaluation: Evaluation): (readonly [string, string])[] {
  const text = ({ median, p95 }: Evaluation['latencyMs']): string =>
    `median ${median.toFixed(1)} ms, 95 % within ${p95.toFixed(1)} ms`;
  const { regions, latencyMs } = evaluation;
  if (regions === 1) return [['encrypt and evaluate one picture', text(latencyMs)]];
  return [
    [`encrypt and evaluate one ciphertext, ${regions} pictures`, text(latencyMs)],
    ['the same for each picture', text(pictureLatency(evaluation))],
  ];
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}

/** The outcome as Markdown: figures, then the confusion matrix of the encrypted answers. */
export function evaluationText(evaluation: Evaluation): string {
  const { withheld } = evaluation;
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
    ...latencyRows(evaluation),
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
