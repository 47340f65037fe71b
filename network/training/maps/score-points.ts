import type { MapPoint } from '#vision/decode-map.ts';
import { isInside } from '#vision/is-inside.ts';
import { matchPoints } from './match-points.ts';
import type { Place } from './place.ts';

/** A point of an answer: class and fractions of the picture. */
export type Point = Pick<MapPoint, 'class' | 'x' | 'y'>;

/** What was found in a picture, and what is there. */
export type AnsweredPicture = { readonly points: readonly Point[]; readonly places: readonly Place[] };

/** A part of the picture: a polygon in fractions of it. */
export type Zone = {
  readonly name: string;
  /** x and y, in order along its edge, at least three. */
  readonly corners: readonly (readonly [number, number])[];
};

/** How far counts are from the truth. */
export type CountScore = {
  /** Mean of |found − there|, over pictures and classes. */
  readonly countMeanError: number;
  /** Share of the counts, over pictures and classes, that are off by one at most: 0 to 1. */
  readonly withinOne: number;
};

/** How well points and counts are found. */
export type PointScore = CountScore & {
  readonly frames: number;
  /** Share of the points that are right; 1 if there are none. See {@link matchPoints}. */
  readonly precision: number;
  /** Share of what is there that was found; 1 if there is nothing. */
  readonly recall: number;
  /** Harmonic mean of the two. */
  readonly f1: number;
};

/** {@link CountScore} of a zone, and the mean number of things in it. */
export type ZoneScore = CountScore & {
  readonly name: string;
  readonly meanFound: number;
  readonly meanThere: number;
};

/** Numbers of things by class. */
type Counts = readonly number[];

/** How many there are of each class. */
export function countClasses(things: readonly { readonly class: number }[], classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (const thing of things) counts[thing.class]!++;
  return counts;
}

/** Compares counts, picture by picture. @throws RangeError where there is none */
export function scoreCounts(
  pairs: readonly { readonly found: Counts; readonly there: Counts }[],
): CountScore {
  const errors = pairs.flatMap(({ found, there }) => there.map((count, c) => Math.abs(found[c]! - count)));
  if (errors.length === 0) throw new RangeError('no picture to measure on');
  return {
    countMeanError: errors.reduce((sum, error) => sum + error, 0) / errors.length,
    withinOne: errors.filter((error) => error <= 1).length / errors.length,
  };
}

/** Harmonic mean of precision and recall. */
function harmonicMean(precision: number, recall: number): number {
  return precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall);
}

/**
 * Precision, recall and counts over pictures. Every point and every place weighs the same, whatever its picture and class.
 *
 * @param classes number of them
 */
export function scorePoints(pictures: readonly AnsweredPicture[], classes: number): PointScore {
  let [hits, found, there] = [0, 0, 0];
  for (const { points, places } of pictures) {
    const matched = matchPoints(points, places);
    hits += matched.hits;
    found += matched.found;
    there += matched.there;
  }
  const precision = found === 0 ? 1 : hits / found;
  const recall = there === 0 ? 1 : hits / there;
  const counts = pictures.map(({ points, places }) => ({
    found: countClasses(points, classes),
    there: countClasses(places, classes),
  }));
  return {
    frames: pictures.length,
    ...{ precision, recall, f1: harmonicMean(precision, recall) },
    ...scoreCounts(counts),
  };
}

/** Counts within zones: a place is in a zone if its middle is. */
export function scoreZones(
  pictures: readonly AnsweredPicture[],
  classes: number,
  zones: readonly Zone[],
): ZoneScore[] {
  const mean = (counts: readonly Counts[]): number =>
    counts.flat().reduce((sum, count) => sum + count, 0) / counts.length;
  return zones.map((zone) => {
    const pairs = pictures.map(({ points, places }) => ({
      found: countClasses(
        points.filter((point) => isInside(point, zone.corners)),
        classes,
      ),
      there: countClasses(
        places.filter((place) => isInside(place, zone.corners)),
        classes,
      ),
    }));
    return {
      name: zone.name,
      ...scoreCounts(pairs),
      meanFound: mean(pairs.map(({ found }) => found)),
      meanThere: mean(pairs.map(({ there }) => there)),
    };
  });
}

/**
 * The baseline that looks at nothing: always the mean count of the earlier part, as a whole number.
 *
 * @param earlier what is there in the pictures before
 * @param later what is there in those that are measured
 */
export function meanCountScore(
  earlier: readonly (readonly Place[])[],
  later: readonly (readonly Place[])[],
  classes: number,
): CountScore & { readonly count: readonly number[] } {
  const sums = countClasses(earlier.flat(), classes);
  const count = sums.map((sum) => Math.round(sum / Math.max(1, earlier.length)));
  return {
    count,
    ...scoreCounts(later.map((places) => ({ found: count, there: countClasses(places, classes) }))),
  };
}
