import type { Interpretation } from '#fhe';
import { type LabelAnswer, roundLabel } from '#fhe/secret';
import type { CountAnswer, LabelsAnswer, MapAnswer } from '#protocol/messages.ts';
import type { OutputPolicy } from '#protocol/output-policy.ts';
import { decodeMap } from '#vision/decode-map.ts';

/** One answer about a picture or region, as coarse as its owner wants it: all that leaves the decrypting thread. */
export type RegionAnswer =
  | (LabelAnswer & { readonly task?: undefined })
  | LabelsAnswer
  | CountAnswer
  | Omit<MapAnswer, 'zones'>;

/** Decimals of a point's place. */
const PLACE_PARTS = 1000;

/**
 * Makes the outputs of a network about one picture or region into what its owner lets out: of a classification the label, of labels those that hold, of counts
 * whole numbers, of a map the middles of the cells where something is. Under `label`, nothing but labels and counts.
 *
 * @param outputs as many as `outputsOf` says
 */
export function roundAnswer(
  outputs: Float64Array,
  interpretation: Interpretation,
  policy: OutputPolicy,
): RegionAnswer {
  const { labels, task } = interpretation;
  const step = policy.output === 'rounded' ? policy.step : null;
  switch (task) {
    case 'labels':
      return roundLabels(outputs, labels, step);
    case 'count':
      return { task, counts: byLabel(labels, (index) => Math.max(0, Math.round(outputs[index]!))) };
    case 'map':
      return roundMap(outputs, interpretation, policy.output === 'rounded');
    default:
      return roundLabel(outputs, labels, step);
  }
}

/** Each label by itself: it holds where its probability is a half at least. */
function roundLabels(outputs: Float64Array, labels: readonly string[], step: number | null): LabelsAnswer {
  const held = labels.filter((_, index) => outputs[index]! >= 0);
  if (step === null) return { task: 'labels', labels: held };
  const parts = Math.round(1 / step);
  const rounded = (index: number) => Math.round(parts / (1 + Math.exp(-outputs[index]!))) / parts;
  return { task: 'labels', labels: held, probabilities: byLabel(labels, rounded) };
}

function roundMap(
  outputs: Float64Array,
  { labels, map, decoding }: Interpretation,
  tellsPlaces: boolean,
): Omit<MapAnswer, 'zones'> {
  const { height, width } = map!;
  const { points } = decodeMap(outputs, { ...decoding!, height, width, classes: labels.length });
  const counts = byLabel(labels, (index) => points.filter((point) => point.class === index).length);
  if (!tellsPlaces) return { task: 'map', counts };
  const middle = (cell: number, cells: number) =>
    Math.round(((cell + 0.5) / cells) * PLACE_PARTS) / PLACE_PARTS;
  return {
    task: 'map',
    counts,
    points: points.map((point) => ({
      label: labels[point.class]!,
      x: middle(point.column, width),
      y: middle(point.row, height),
    })),
  };
}

function byLabel<Value>(labels: readonly string[], of: (index: number) => Value): Record<string, Value> {
  return Object.fromEntries(labels.map((label, index) => [label, of(index)]));
}
