import { compileNetwork } from '#network/compiler/compile.ts';
import { calibrateSteps } from '#network/compiler/lowering/calibrate-steps.ts';
import { lowerSteps } from '#network/compiler/lowering/lower-steps.ts';
import { NetworkError } from '#network/errors.ts';
import type { CountedTask } from '#network/training/maps/count-objective.ts';
import { type CountScore, countClasses, scoreCounts } from '#network/training/maps/score-points.ts';
import { treatmentOf } from '#vision/picture-format.ts';
import { type AnswerFigures, answerFrames } from './answer-frames.ts';
import { type ClipPartRequest, readClipPart } from './clip-part.ts';
import type { MapEvaluationRequest, MapProgress } from './evaluate-map.ts';

/** A network of the task `count` or `labels`, and a clip with boxes to measure it on. */
export type CountsEvaluationRequest = ClipPartRequest &
  Pick<MapEvaluationRequest, 'engine' | 'beforeFrame'> & {
    readonly onProgress?: (progress: CountsProgress) => void;
  };

export type CountsProgress = MapProgress | { readonly step: 'reading'; readonly frames: number };

/** How right answers are. Those that are withheld count nothing, and no label holds in them. */
export type CountsScore = {
  /** Share of the answers that are right: the number, or that there is one. */
  readonly accuracy: number;
  /** Where the task is to count. */
  readonly count?: CountScore;
};

/** {@link CountsScore} of one label: of the program that was run, in the clear, and of the answer that was most often right before. */
export type LabelScore = CountsScore & {
  readonly label: string;
  readonly clear: CountsScore;
  readonly always: CountsScore & { readonly answer: number };
};

/** How a protected network counts, or says what holds, compared with the same network in the clear and with what is there. */
export type CountsEvaluation = AnswerFigures &
  CountsScore & {
    readonly task: CountedTask;
    readonly frames: number;
    /** Number of the first frame that was measured, from 0. */
    readonly firstFrame: number;
    readonly clear: CountsScore;
    readonly labels: readonly LabelScore[];
  };

/** What is there by label, or found: a number or, where labels hold or not, 1 or 0. */
type Counts = readonly number[];

function scoreOf(task: CountedTask, found: readonly Counts[], there: readonly Counts[]): CountsScore {
  const right = there.flatMap((counts, n) => counts.filter((count, label) => count === found[n]![label]));
  const accuracy = right.length / there.flat().length;
  if (task === 'labels') return { accuracy };
  return { accuracy, count: scoreCounts(there.map((counts, n) => ({ found: found[n]!, there: counts }))) };
}

/** The value that is there most often. */
function mostOften(values: readonly number[]): number {
  const kinds = [...Map.groupBy(values, (value) => value).values()];
  return kinds.reduce((most, kind) => (kind.length > most.length ? kind : most))[0]!;
}

/**
 * Measures a network that counts, or says of each label whether it holds, on a clip, encrypted and in the clear.
 *
 * @throws NetworkError where files cannot be read or do not belong together, or the network is none that can be encrypted as it is; the
 * signal's reason before the first frame is measured.
 */
export async function evaluateCounts(request: CountsEvaluationRequest): Promise<CountsEvaluation> {
  const { network, engine, signal, onProgress, beforeFrame } = request;
  const { task, labels } = network;
  if ((task !== 'count' && task !== 'labels') || labels === undefined)
    throw new NetworkError('NETWORK_SHAPE', `${network.name} neither counts nor says which labels hold`);
  onProgress?.({ step: 'reading', frames: 0 });
  const { graph, measured, firstFrame, earlier } = await readClipPart(request, labels);
  const { pictures } = measured;
  const frames = measured.places.length;
  const report = (step: MapProgress['step'], done = 0): void => onProgress?.({ step, done, frames });
  report('compiling');
  const steps = lowerSteps(graph);
  const ranges = network.ranges ?? calibrateSteps(steps, pictures);
  const compiled = compileNetwork(graph, {
    ...{ name: network.name, labels, task, picture: treatmentOf(network) },
    ...{ activationRanges: ranges.activations, logitRange: ranges.logits },
  });
  if (engine !== 'clear') report('encrypting');
  const { answers, ...figures } = await answerFrames<Counts>({
    ...{ compiled, steps, engine, pictures, frames },
    round: (outputs) =>
      Array.from(outputs, (output) =>
        task === 'count' ? Math.max(0, Math.round(output)) : Number(output >= 0),
      ),
    isSame: (one, other) => one.every((count, label) => count === other[label]),
    onAnswer: (done) => report('measuring', done),
    ...(signal && { signal }),
    ...(beforeFrame && { beforeFrame }),
  });
  const countsOf = (places: (typeof measured.places)[number]): number[] =>
    countClasses(places, labels.length).map((count) => (task === 'count' ? count : Math.min(1, count)));
  const there = measured.places.slice(0, answers.length).map(countsOf);
  const known = earlier.map(countsOf);
  const none = labels.map(() => 0);
  const found = answers.map(({ answer }) => answer ?? none);
  const clear = answers.map((answer) => answer.clear);
  const of = (all: readonly Counts[], label: number) => all.map((counts) => [counts[label]!]);
  return {
    ...{ task, frames: answers.length, firstFrame },
    ...scoreOf(task, found, there),
    clear: scoreOf(task, clear, there),
    labels: labels.map((name, label) => {
      const own = of(there, label);
      const answer = mostOften(of(known, label).flat());
      const always = scoreOf(
        task,
        own.map(() => [answer]),
        own,
      );
      return {
        label: name,
        ...scoreOf(task, of(found, label), own),
        clear: scoreOf(task, of(clear, label), own),
        always: { answer, ...always },
      };
    }),
    ...figures,
  };
}
