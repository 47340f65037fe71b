import { rateText } from '#network/model/confusion.ts';
import { shareText } from '#network/model/share-text.ts';
import type { CountsEvaluation, CountsScore } from './evaluate-counts.ts';
import { figureRows } from './figure-rows.ts';

/** A score with its count among the rest. */
const flat = ({ accuracy, count }: CountsScore): object => ({ accuracy, ...count });

/** What `blindsight evaluate --json` prints about a network that counts or says which labels hold; the keys are a contract. Without encryption there are no keys about it. */
export function countsEvaluationJson(evaluation: CountsEvaluation): object {
  const { task, frames, firstFrame, clear, labels } = evaluation;
  const { agreement, worstLogitError, withheld, latencyMs, ringDegree, logQP, bundleBytes } = evaluation;
  return {
    ...{ task, frames, firstFrame },
    ...flat(evaluation),
    ...{ agreement, worstLogitError, withheld, latencyMs },
    clear: flat(clear),
    labels: labels.map((score) => ({
      label: score.label,
      ...flat(score),
      clear: flat(score.clear),
      always: { answer: score.always.answer, ...flat(score.always) },
    })),
    ...{ ringDegree, logQP },
    ...(bundleBytes !== null && { bundleBytes }),
  };
}

/** The outcome as Markdown: how right answers are by label, encrypted, in the clear and by the baseline, and what it costs. */
export function countsEvaluationText(evaluation: CountsEvaluation): string {
  const { task, frames, firstFrame, clear, labels, bundleBytes, agreement } = evaluation;
  const encrypted = bundleBytes === null ? 'as program' : 'encrypted';
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const scoreText = ({ accuracy, count }: CountsScore): readonly string[] => [
    shareText(accuracy),
    ...(count === undefined ? [] : [count.countMeanError.toFixed(2), shareText(count.withinOne)]),
  ];
  const answerText = (answer: number) => (task === 'count' ? String(answer) : answer === 1 ? 'yes' : 'no');
  return [
    task === 'count' ? '| | right | mean count error | within ±1 |' : '| | right |',
    task === 'count' ? '|---|---:|---:|---:|' : '|---|---:|',
    ...labels.flatMap((score) => [
      line([`${score.label}, ${encrypted}`, ...scoreText(score)]),
      line([`${score.label}, in the clear`, ...scoreText(score.clear)]),
      line([
        `${score.label}, always ${answerText(score.always.answer)}, most frequent before`,
        ...scoreText(score.always),
      ]),
    ]),
    ...(labels.length === 1
      ? []
      : [
          line([`all, ${encrypted}`, ...scoreText(evaluation)]),
          line(['all, in the clear', ...scoreText(clear)]),
        ]),
    '',
    '| | |',
    '|---|---:|',
    line(['frames', `${frames}, from frame ${firstFrame} on`]),
    line(['same answers as in the clear', rateText(agreement, frames)]),
    ...figureRows(evaluation).map(line),
    '',
  ].join('\n');
}
