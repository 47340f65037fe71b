import { CLASSES, type Complex, LEAF, rowOf, weightsOf, ZERO } from './leaf.ts';
import { type LikelihoodTable, likelihoodTable } from './likelihood.ts';
import type { Question } from './shaper.ts';
import { SILENT, type Target } from './target.ts';
import type { Told } from './told.ts';

/** Reads the coefficients of one leaf, answer by answer. */
export type LeafReading = {
  /** What to ask next; null when all are known. */
  next(): Question | null;
  tell(told: Told): void;
  readonly coefficients: readonly number[];
};

/** A question about a group of coefficients, with what is told of each of their combinations. */
type Page = { readonly question: Question; readonly table: LikelihoodTable };

/** Coefficients that are read together. */
type Group = {
  readonly places: readonly number[];
  readonly values: readonly (readonly number[])[];
  /** @param asked how many answers about the group there were. @param logs what they said of each combination. */
  page(asked: number, logs: Float64Array): Page;
};

/** Logits for each unit of a coefficient, through the noise that the owner adds; found by trying. */
const GAIN = { manyLabels: 1.7, oneDigit: 3, twoDigits: 1, region: 0.8 } as const;
/** Above this unit, the noise leaves a two-label network one digit an answer. */
const NOISY_UNIT = 25;
/** Space between neighbors, in slot units, where the label alone is told. */
const SPACE = 0.3;
/**
 * The best combination is believed when it is this much more likely than the next, as a logarithm: of the thousand leaves of a key, one is then wrong in one of
 * two hundred runs. At 7, one was in two of three.
 */
const BELIEF = 12;
const MOST_ANSWERS = 40;

function combinations(count: number): number[][] {
  return Array.from({ length: 3 ** count }, (_, index) =>
    Array.from({ length: count }, (_, k) => (Math.floor(index / 3 ** k) % 3) - 1),
  );
}

function groupsOf(size: number): number[][] {
  return Array.from({ length: Math.ceil(LEAF / size) }, (_, group) =>
    Array.from({ length: Math.min(size, LEAF - group * size) }, (_, i) => group * size + i),
  );
}

/** A row with these factors at these places. */
function rowAt(places: readonly number[], factors: readonly number[]): number[] {
  const row = new Array<number>(LEAF).fill(0);
  places.forEach((k, i) => {
    row[k] = factors[i]!;
  });
  return row;
}

const nothing = (): Complex[] => Array.from({ length: CLASSES }, () => ZERO);

/** Label l of the only region shows row l; labels without a row are silent. */
function mixed(
  labels: number,
  rows: readonly (readonly number[])[],
  offsets: readonly number[] = [],
): Question {
  return {
    weights: Array.from({ length: labels }, (_, l) => (rows[l] ? weightsOf(rows[l]) : nothing())),
    offsets: Array.from({ length: labels }, (_, l) => offsets[l] ?? (rows[l] ? 0 : SILENT)),
  };
}

/** The same question again would be told the same noise: it is made a little different. */
function again(question: Question, asked: number): Question {
  return {
    ...question,
    offsets: question.offsets.map((offset, l) => (l === 0 ? offset + asked * 4e-6 : offset)),
  };
}

function pageOf(
  question: Question,
  { places, values }: Pick<Group, 'places' | 'values'>,
  target: Target,
): Page {
  const rows = question.weights.map(rowOf);
  const possibilities = values.map((value) =>
    rows.map((row, logit) =>
      places.reduce((sum, k, i) => sum + row[k]! * value[i]!, question.offsets[logit]!),
    ),
  );
  return { question, table: likelihoodTable(possibilities, target) };
}

/** Pages are the same for all leaves: each is computed once. */
function remember<Key>(make: (key: Key) => Page): (key: Key) => Page {
  const known = new Map<Key, Page>();
  return (key) => {
    const page = known.get(key) ?? make(key);
    known.set(key, page);
    return page;
  };
}

function fixedQuestion(
  target: Target,
  places: readonly number[],
  values: readonly (readonly number[])[],
): Question {
  const { labels, unit, fineness } = target;
  const none = rowAt([], []);
  if (fineness === 'label') {
    // The nearest of all combinations u has the largest u·s − |u|²/2.
    const rows = values.map((value) =>
      rowAt(
        places,
        value.map((u) => u * SPACE),
      ),
    );
    return mixed(
      labels,
      rows,
      values.map((value) => (-SPACE / 2) * value.reduce((sum, u) => sum + u * u, 0)),
    );
  }
  if (labels > LEAF) return mixed(labels, [none, ...places.map((k) => rowAt([k], [GAIN.manyLabels / unit]))]);
  const gain = places.length === 1 ? GAIN.oneDigit : GAIN.twoDigits;
  return mixed(labels, [
    none,
    rowAt(
      places,
      places.map((_, i) => (gain * 3 ** i) / unit),
    ),
  ]);
}

/** Fixed questions, asked until the answers agree. */
function byBook(target: Target): Group[] {
  const { labels, fineness, unit } = target;
  const size = fineness === 'label' ? 2 : labels > LEAF ? LEAF : unit > NOISY_UNIT ? 1 : 2;
  return groupsOf(size).map((places) => {
    const values = combinations(places.length);
    const first = pageOf(fixedQuestion(target, places, values), { places, values }, target);
    return { places, values, page: (asked) => ({ ...first, question: again(first.question, asked) }) };
  });
}

/** Two labels and nothing else: halves what the digits of a group can be. */
function byHalves(target: Target): Group[] {
  return groupsOf(3).map((places) => {
    const values = combinations(places.length).sort((a, b) => digits(a) - digits(b));
    const scale = 0.85 / 3 ** places.length;
    const row = rowAt(
      places,
      places.map((_, i) => scale * 3 ** i),
    );
    const at = remember((threshold: number) => {
      const rows = [row.map((factor) => -factor), row];
      return pageOf(mixed(2, rows, [scale * threshold, -scale * threshold]), { places, values }, target);
    });
    return {
      places,
      values,
      page(asked, logs) {
        // By turns above and below the likeliest, so that both neighbors are told from it.
        const half = Math.max(0, middle(logs) - (asked > 5 ? asked % 2 : 0));
        const page = at(digits(values[half]!) + 0.5);
        return { ...page, question: again(page.question, asked) };
      },
    };
  });
}

function digits(value: readonly number[]): number {
  return value.reduce((sum, digit, i) => sum + digit * 3 ** i, 0);
}

/** Below and up to which possibility half of the belief lies; never the last one. */
function middle(logs: Float64Array): number {
  const top = Math.max(...logs);
  const shares = logs.map((log) => Math.exp(log - top));
  const half = shares.reduce((sum, share) => sum + share, 0) / 2;
  let sum = 0;
  const at = shares.findIndex((share) => {
    sum += share;
    return sum >= half;
  });
  return Math.min(at, logs.length - 2);
}

/** Where no slot can be brought to another class: each region shows one real number of its own class, turned by another angle in every answer. */
function byAngles(target: Target): Group[] {
  const { labels, regions, unit, classOf, fineness } = target;
  const gain = fineness === 'label' ? 0.08 : GAIN.region / unit;
  const places = Array.from({ length: LEAF }, (_, k) => k);
  const values = combinations(LEAF);
  const page = remember((asked: number) => {
    const weights = Array.from({ length: labels * regions }, nothing);
    const offsets = new Array<number>(labels * regions).fill(SILENT);
    for (let region = 0; region < regions; region++) {
      const angle = (-Math.PI / 2) * asked + Math.floor(asked / 2) * (0.7 + 0.31 * region);
      offsets[region * labels] = 0;
      // Where labels alone are told, another threshold each time.
      offsets[region * labels + 1] =
        fineness === 'label' ? gain * 4 * (((asked * 0.618 + region * 0.27) % 1) - 0.5) : 0;
      weights[region * labels + 1]![classOf[region]!] = [gain * Math.cos(angle), gain * Math.sin(angle)];
    }
    return pageOf({ weights, offsets }, { places, values }, target);
  });
  return [{ places, values, page }];
}

/** How a leaf is read best from what a target tells. @returns makes a reading; what readings have in common is computed once. */
export function leafReader(target: Target): () => LeafReading {
  const { mixesClasses, fineness, labels } = target;
  const groups = !mixesClasses
    ? byAngles(target)
    : fineness === 'label' && labels <= LEAF
      ? byHalves(target)
      : byBook(target);
  return () => readGroups(groups);
}

function readGroups(groups: readonly Group[]): LeafReading {
  const coefficients = new Array<number>(LEAF).fill(0);
  let at = 0;
  let asked = 0;
  let logs = new Float64Array(groups[0]!.values.length);
  let page: Page | null = null;
  return {
    coefficients,
    next() {
      page ??= groups[at]?.page(asked, logs) ?? null;
      return page?.question ?? null;
    },
    tell(told) {
      const { places, values } = groups[at]!;
      page!.table.add(logs, told);
      page = null;
      asked++;
      const { best, lead } = likeliest(logs);
      if (lead < BELIEF && asked < MOST_ANSWERS) return;
      places.forEach((k, i) => {
        coefficients[k] = values[best]![i]!;
      });
      at++;
      asked = 0;
      logs = new Float64Array(groups[at]?.values.length ?? 0);
    },
  };
}

/** The most likely possibility, and how far it is ahead of the next one. */
function likeliest(logs: Float64Array): { best: number; lead: number } {
  let [best, first, second] = [0, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  logs.forEach((log, i) => {
    if (log > first) [best, second, first] = [i, first, log];
    else if (log > second) second = log;
  });
  return { best, lead: first - second };
}
