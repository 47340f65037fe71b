import { InvalidArgumentError } from 'commander';
import type { EngineKind } from '#backend/evaluation/answerer.ts';
import type { ClipProgress } from '#backend/evaluation/evaluate-clip.ts';
import type { CountsProgress } from '#backend/evaluation/evaluate-counts.ts';
import type { NamedNetwork } from '#network/model/description/load-network.ts';
import type { Zone } from '#network/training/maps/score-points.ts';
import { BlindsightError } from '#protocol/errors.ts';
import { numbers } from '../parse-option.ts';
import { printJson } from '../print.ts';
import type { CommandRun } from '../run-command.ts';

/** Options of `blindsight evaluate` for a network that is measured on a clip: it answers with a map, counts, or says which labels hold. */
export type ClipOptions = {
  readonly clip?: string;
  readonly boxes?: string;
  readonly region?: { x: number; y: number; width: number; height: number };
  readonly from?: number;
  readonly limit?: number;
  readonly zone?: readonly Zone[];
  readonly report?: string;
  readonly engine: EngineKind | 'original';
  readonly json?: boolean;
};

/** What networks do that need a clip, and those that do not. */
const ANSWERS = {
  map: 'answers with a map',
  count: 'counts',
  labels: 'says which labels hold',
  classification: 'tells classes apart',
} as const;

/** Zones are written as for `blindsight camera zone add`: a name, then x,y of each corner. For commander, after those before it. */
export function zone(text: string, before: readonly Zone[] = []): Zone[] {
  const [name = '', ...corners] = text.trim().split(/\s+/);
  const points = corners.map((corner) => numbers(corner));
  const isCorner = (point: number[]): point is [number, number] =>
    point.length === 2 && point.every((value) => value >= 0 && value <= 1);
  if (points.length < 3 || !points.every(isCorner))
    throw new InvalidArgumentError(
      'Expected a name and three corners or more, as in "gate 0,0 0.5,0 0.5,1".',
    );
  return [...before, { name, corners: points }];
}

/** Measures a network on a clip. When stopped (Ctrl-C), it reports what it has measured so far. */
export async function evaluateOnClip(
  network: NamedNetwork,
  options: ClipOptions,
  { signal, progress }: CommandRun,
): Promise<void> {
  const { clip, boxes, region, from, limit, zone: zones, report, engine, json } = options;
  if (clip === undefined || boxes === undefined)
    throw new BlindsightError(
      'NETWORK_DATA',
      `${network.name} ${ANSWERS[network.task ?? 'classification']}: give --clip and --boxes`,
    );
  if (engine === 'original')
    throw new BlindsightError(
      'NETWORK_DATA',
      `${network.name} is evaluated as it is anyway, and shown beside the encrypted answers: leave out --engine original`,
    );
  const source = { clip, ...(region && { region }), signal };
  const request = {
    ...{ ...source, network, boxes, engine },
    ...(from !== undefined && { from }),
    ...(limit !== undefined && { limit }),
    onProgress: (step: ClipProgress | CountsProgress) =>
      progress.update(step.step, progressText(step), shareOf(step)),
  };
  const tellStop = (frames: number) => {
    progress.end();
    if (signal.aborted) process.stderr.write(`stopped after ${frames} frames\n`);
  };
  if (network.task !== 'map') {
    const { evaluateCounts } = await import('#backend/evaluation/evaluate-counts.ts');
    const { countsEvaluationJson, countsEvaluationText } = await import(
      '#backend/evaluation/counts-report.ts'
    );
    const evaluation = await evaluateCounts(request);
    tellStop(evaluation.frames);
    if (json) printJson(countsEvaluationJson(evaluation));
    else process.stdout.write(countsEvaluationText(evaluation));
    return;
  }
  const { evaluateClip } = await import('#backend/evaluation/evaluate-clip.ts');
  const { clipEvaluationJson, clipEvaluationText, drawClipEvaluation } = await import(
    '#backend/evaluation/clip-report.ts'
  );
  const evaluation = await evaluateClip({ ...request, ...(zones && { zones }) });
  if (report !== undefined && !signal.aborted)
    await drawClipEvaluation(evaluation, { ...source, folder: report, title: network.name });
  tellStop(evaluation.places.length);
  if (json) printJson(clipEvaluationJson(evaluation));
  else process.stdout.write(clipEvaluationText(evaluation));
}

function shareOf(progress: ClipProgress | CountsProgress): number | undefined {
  return progress.step === 'measuring' ? progress.done / progress.frames : undefined;
}

function progressText(progress: ClipProgress | CountsProgress): string {
  switch (progress.step) {
    case 'reading':
      return 'reading the clip as the network sees it';
    case 'baseline':
      return `subtracting the background, to compare with: ${progress.frames} frames`;
    case 'compiling':
      return 'compiling the network to a program';
    case 'encrypting':
      return 'making keys, encrypting every parameter';
    case 'measuring':
      return `${progress.done} of ${progress.frames} frames`;
  }
}
