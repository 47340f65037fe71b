import type { CalibratedRanges } from '#network/model/calibrated-ranges.ts';
import { rangesInTurns } from './ranges-in-turns.ts';
import type { StepNetwork } from './steps.ts';

/**
 * A picture is no ordinary one where a range is so many times that of half of the pictures: the largest of 400 that a ResNet-8 of quadratics answers well reach
 * three times as much, and one of them a hundred million times. Each doubling of a range costs all other pictures a bit.
 */
const FAR = 16;
/** Of all pictures: where more are far, they are what the network is for. */
const MOST_LEFT_OUT = 0.01;

/** Ranges of ordinary pictures, and how many others there were. */
export type OrdinaryRanges = { readonly ranges: CalibratedRanges; readonly leftOut: number };

function middle(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

/**
 * Ranges as `calibrateSteps` finds them, without those few pictures at which polynomials leave where they were fitted and square themselves through the
 * network: answers about such are withheld, and those about all others are precise.
 *
 * @param pictures values of all pictures, one after the other; at least one.
 * @param options.onProgress called with the share done, up to 1.
 * @throws the signal's reason.
 */
export async function calibrateOrdinary(
  network: StepNetwork,
  pictures: Float32Array,
  options: { readonly signal?: AbortSignal; readonly onProgress?: (done: number) => void } = {},
): Promise<OrdinaryRanges> {
  const found = await rangesInTurns(network, pictures, options);
  const rows = found.map(({ activations, logits }) => [...activations, logits]);
  const usual = rows[0]!.map((_, i) => middle(rows.map((row) => row[i]!)));
  // What is zero for half of the pictures says nothing about the others.
  const strange = (row: readonly number[]): number =>
    Math.max(...row.map((range, i) => (usual[i]! > 0 ? range / usual[i]! : 0)));
  const far = rows.filter((row) => strange(row) > FAR).length;
  const isFew = far <= MOST_LEFT_OUT * rows.length;
  const ordinary = isFew ? rows.filter((row) => strange(row) <= FAR) : rows;
  const largest = usual.map((_, i) => ordinary.reduce((most, row) => Math.max(most, row[i]!), 0));
  return {
    ranges: { activations: largest.slice(0, -1), logits: largest.at(-1)! },
    leftOut: isFew ? far : 0,
  };
}
