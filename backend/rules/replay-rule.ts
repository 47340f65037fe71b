import { setImmediate } from 'node:timers/promises';
import type { Result } from '#protocol/messages.ts';
import type { Rule } from '#protocol/rule.ts';
import { subjectWords } from '#protocol/rule-words.ts';
import type { EventSettings } from '../events/event-settings.ts';
import type { ResultStore } from '../store/results.ts';
import { RuleEvaluator, type RuleTurn } from './evaluator.ts';

/** What a rule would have done. */
export type Replay = {
  readonly fromMs: number;
  readonly answers: number;
  /** In order of time; `endMs` null where it would still be open. */
  readonly raised: readonly {
    readonly subject: string;
    readonly atMs: number;
    readonly endMs: number | null;
  }[];
};

export type ReplayOptions = {
  readonly results: Pick<ResultStore, 'history' | 'latestRegions' | 'countAbout'>;
  /** All of the site. */
  readonly cameras: readonly string[];
  readonly untilMs: number;
  readonly settings: EventSettings;
  readonly timeZone: string;
  /** Ends the reading. */
  readonly signal: AbortSignal;
};

type Answer = { readonly frameMs: number; readonly result: Result };

const DAY_MS = 86_400_000;
/** Answers that are read; of more, those of a shorter time. */
const MAX_ANSWERS = 200_000;
/** Read at a time. */
const SLICE_MS = 600_000;
/** In which time passes between answers. */
const STEP_MS = 1000;
const ABSENCE_STEP_MS = 10_000;
/** Steps at a time: take some milliseconds. */
const PASSED_STEPS = 2000;

/**
 * Plays the answers of the last day through a rule about answers or their absence, by the same evaluation as at present. Of the past of other things nothing is stored.
 *
 * @throws the signal's reason
 */
export async function replayRule(rule: Rule, options: ReplayOptions): Promise<Replay> {
  const { cameras, results, untilMs } = options;
  const { when } = rule;
  if (when.kind !== 'answer' && when.kind !== 'absence') return { fromMs: untilMs, answers: 0, raised: [] };
  const meant = when.cameras === 'all' ? cameras : when.cameras;
  let total = 0;
  for (const camera of meant) total += await results.countAbout(camera, untilMs - DAY_MS, untilMs + 1);
  const fromMs = Math.round(untilMs - DAY_MS * Math.min(1, MAX_ANSWERS / Math.max(1, total)));
  const replays = [];
  for (const camera of meant) replays.push(await replayCamera(rule, camera, fromMs, options));
  return {
    fromMs,
    answers: replays.reduce((sum, one) => sum + one.answers, 0),
    raised: replays.flatMap((one) => one.raised).sort((a, b) => a.atMs - b.atMs),
  };
}

async function replayCamera(
  rule: Rule,
  camera: string,
  fromMs: number,
  options: ReplayOptions,
): Promise<Pick<Replay, 'answers' | 'raised'>> {
  const { settings, timeZone, untilMs, signal } = options;
  const evaluator = new RuleEvaluator(rule, { timeZone, endMs: settings.endSeconds * 1000 });
  const silenceMs = settings.silenceSeconds * 1000;
  const raised: { subject: string; atMs: number; endMs: number | null }[] = [];
  const note = (turns: readonly RuleTurn[], atMs: number) => {
    for (const { turn, subject } of turns) {
      const words = subjectWords(subject);
      if (turn === 'raise') raised.push({ subject: words, atMs, endMs: null });
      else for (const one of raised) if (one.subject === words) one.endMs ??= atMs;
    }
  };
  let steps = 0;
  const pass = async (sinceMs: number, beforeMs: number) => {
    const isAbsence = rule.when.kind === 'absence';
    const stepMs = isAbsence ? ABSENCE_STEP_MS : STEP_MS;
    for (let atMs = sinceMs + stepMs; atMs < beforeMs; atMs += stepMs) {
      // A day without answers has many.
      if (++steps % PASSED_STEPS === 0) await setImmediate(undefined, { signal });
      note(isAbsence ? evaluator.waited([camera], at(atMs)) : evaluator.passed(camera, at(atMs)), atMs);
    }
  };
  note(evaluator.waited([camera], at(fromMs)), fromMs);
  let answers = 0;
  let lastMs = fromMs;
  let holdsMs = 0;
  for await (const { frameMs, result } of readAnswers(camera, fromMs, options)) {
    answers++;
    const isHeld = frameMs - lastMs <= holdsMs;
    await pass(lastMs, isHeld || rule.when.kind === 'absence' ? frameMs : lastMs + holdsMs);
    if (!isHeld) evaluator.interrupted(camera);
    note(evaluator.answered({ camera, results: [result] }, at(frameMs)), frameMs);
    lastMs = frameMs;
    // What is told only when it changes holds until then.
    holdsMs = result.output === 'event' ? Number.POSITIVE_INFINITY : silenceMs;
  }
  await pass(lastMs, rule.when.kind === 'absence' ? untilMs : Math.min(untilMs, lastMs + holdsMs));
  return { answers, raised };
}

/** All times are those of the pictures. */
const at = (ms: number) => ({ wallMs: ms, pictureMs: ms, runningMs: ms });

async function* readAnswers(
  camera: string,
  fromMs: number,
  { results, untilMs, signal }: ReplayOptions,
): AsyncGenerator<Answer> {
  const regions = new Set((await results.latestRegions(camera)).map(({ region }) => region));
  for (let sinceMs = fromMs; sinceMs <= untilMs; sinceMs += SLICE_MS) {
    await setImmediate(undefined, { signal });
    const span = { sinceMs, beforeMs: Math.min(sinceMs + SLICE_MS, untilMs + 1) };
    const answers: Answer[] = [];
    for (const region of [undefined, ...regions])
      answers.push(...(await results.history(camera, span, MAX_ANSWERS, region)));
    yield* answers.sort((a, b) => a.frameMs - b.frameMs);
  }
}
