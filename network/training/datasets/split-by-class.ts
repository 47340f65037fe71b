import { type Dataset, selectPictures } from '#network/model/dataset.ts';
import { SeededRandom } from '#network/model/random.ts';

/**
 * Splits off a share of every class, drawn by a seed: data sets are often sorted by class, so their end would hold only one.
 * Both parts keep the order of the pictures. For frames of a clip, which resemble their neighbours, see `splitByTime`.
 *
 * @param share 0 to 1 exclusive, of each class, rounded; a class of at least two pictures is in both parts.
 */
export function splitByClass(
  dataset: Dataset,
  share: number,
  seed: number,
): { training: Dataset; validation: Dataset } {
  const random = new SeededRandom(seed);
  const chosen = new Set<number>();
  for (const label of dataset.labels.keys()) {
    const own = Uint32Array.from([...dataset.classes.keys()].filter((i) => dataset.classes[i] === label));
    random.shuffle(own);
    const most = Math.max(0, own.length - 1);
    const count = Math.min(most, Math.max(1, Math.round(share * own.length)));
    for (const i of own.subarray(0, count)) chosen.add(i);
  }
  const all = [...dataset.classes.keys()];
  return {
    training: selectPictures(
      dataset,
      all.filter((i) => !chosen.has(i)),
    ),
    validation: selectPictures(
      dataset,
      all.filter((i) => chosen.has(i)),
    ),
  };
}
