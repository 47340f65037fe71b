import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { simplifyGraph } from '../compiler/rewrite/simplify-graph.ts';
import { allOf, type Dataset } from '../model/dataset.ts';
import { loadZooNetwork } from '../model/description/zoo.ts';
import type { Graph } from '../model/graph.ts';
import { runGraph } from '../model/run/run.ts';
import { readClip } from '../training/datasets/clip.ts';
import { normalizeDataset } from '../training/datasets/normalize-dataset.ts';
import { splitByTime } from '../training/datasets/split-by-time.ts';
import { fineTune } from '../training/fine-tune.ts';
import { compareWeights } from './compare-weights.ts';
import { falseAlarmExponent, MarkFinder } from './find-mark.ts';
import { markGraph } from './mark-graph.ts';
import {
  combineCopies,
  mapWeights,
  pruneSmallest,
  rebuildDense,
  rename,
  roundTo8Bits,
} from './testing/thief.ts';

const folder = fileURLToPath(new URL('../../demo/counter/', import.meta.url));
const { graph: counter, metadata } = await loadZooNetwork('counter');
/** Of the same pictures, with nine times as many weights: what a thief may do and still be named grows with their root. */
const { graph } = await loadZooNetwork('carpark');
const keys = Array.from({ length: 12 }, (_, i) => Buffer.alloc(32, `key ${i}`));
const copies = keys.slice(0, 8).map((key) => markGraph(graph, key));
const copy = copies[0]!;
/** One in a million, whatever the number of keys. */
const NAMED = -6;

function finderOf(leaked: Graph, original = graph): MarkFinder {
  return new MarkFinder(compareWeights(original, leaked)!);
}

/** Numbers of the keys that are found. */
function named(leaked: Graph, original = graph): number[] {
  const finder = finderOf(leaked, original);
  return keys.flatMap((key, i) =>
    falseAlarmExponent(finder.find(key).statistic, keys.length) <= NAMED ? [i] : [],
  );
}

describe('a fingerprint', () => {
  let training: Dataset;
  let test: Dataset;
  let tuned: Graph;
  beforeAll(async () => {
    const all = await readClip(
      `${folder}counter.mp4`,
      `${folder}presence.csv`,
      metadata.labels,
      metadata.picture,
    );
    const split = splitByTime(all, 0.6);
    training = normalizeDataset(split.training, metadata.picture);
    test = normalizeDataset(split.test, metadata.picture);
    tuned = await fineTune(copy, allOf(training), { epochs: 1, batch: 32, learningRate: 0.025, seed: 1 });
  }, 300_000);

  it('changes no decision on the test frames', () => {
    const decide = (network: Graph) => {
      const logits = runGraph(network, test.pictures);
      return Array.from(test.classes, (_, n) => logits[2 * n]! > logits[2 * n + 1]!);
    };
    const before = decide(counter);
    expect(before.length).toBe(555);
    for (const key of keys.slice(0, 2)) expect(decide(markGraph(counter, key))).toEqual(before);
  });

  it('names whose copy it is, whatever names and foldings the file has', () => {
    expect(named(copy)).toEqual([0]);
    expect(named(rename(copy))).toEqual([0]);
    expect(named(rename(simplifyGraph(copies[3]!)))).toEqual([3]);
    const finder = finderOf(copy);
    const { statistic, share } = finder.find(keys[0]!);
    expect(share).toBeGreaterThan(0.95);
    // The root of the number of weights, nearly.
    expect(statistic).toBeGreaterThan(0.9 * Math.sqrt(finder.weights));
  });

  it('names whose copy of a small network it is, also pruned, rounded, and the mean of two', () => {
    const [one, other] = keys.slice(0, 2).map((key) => markGraph(counter, key)) as [Graph, Graph];
    const of = (leaked: Graph) => named(leaked, counter);
    expect(of(rename(simplifyGraph(one)))).toEqual([0]);
    expect(of(rebuildDense(one, 7))).toEqual([0]);
    expect(of(roundTo8Bits(pruneSmallest(combineCopies([one, other], 'mean'), 0.2)))).toEqual([0, 1]);
  });

  it('survives 20 % pruning, 8-bit rounding, an epoch of fine-tuning, and all of them', () => {
    expect(named(pruneSmallest(copy, 0.2))).toEqual([0]);
    expect(named(roundTo8Bits(copy))).toEqual([0]);
    // Every weight moved by several times what the fingerprint added to it.
    expect(finderOf(tuned).difference).toBeGreaterThan(0.05);
    expect(named(tuned)).toEqual([0]);
    expect(named(roundTo8Bits(pruneSmallest(tuned, 0.2)))).toEqual([0]);
  });

  it('survives permuted, scaled and turned neurons of a network rebuilt from its linear maps', () => {
    const rebuilt = rebuildDense(copy, 7);
    const picture = test.pictures.subarray(0, 27 * 48);
    const [expected, got] = [runGraph(copy, picture), runGraph(rebuilt, picture)];
    expect(Math.abs(got[0]! - expected[0]!)).toBeLessThan(1e-3);
    expect(named(rebuilt)).toEqual([0]);
    const worn = roundTo8Bits(pruneSmallest(rebuildDense(tuned, 8), 0.2));
    expect(named(worn)).toEqual([0]);
  });

  it('names all whose copies were averaged, also after everything else', async () => {
    for (const count of [2, 4, 8])
      expect(named(combineCopies(copies.slice(0, count), 'mean')), `${count} copies`).toEqual(
        Array.from({ length: count }, (_, i) => i),
      );
    const mean = combineCopies(copies.slice(0, 2), 'mean');
    const later = await fineTune(mean, allOf(training), {
      epochs: 1,
      batch: 32,
      learningRate: 0.025,
      seed: 2,
    });
    expect(named(roundTo8Bits(pruneSmallest(later, 0.2)))).toEqual([0, 1]);
  }, 300_000);

  it.each(['smallest', 'largest', 'median', 'outermost'] as const)(
    'names all five whose copies were combined by the %s value of each weight',
    (rule) => {
      expect(named(combineCopies(copies.slice(0, 5), rule))).toEqual([0, 1, 2, 3, 4]);
    },
  );

  it('recognizes the original itself, and names nobody for it', () => {
    for (const leaked of [graph, rename(simplifyGraph(graph)), rebuildDense(graph, 9)]) {
      expect(finderOf(leaked).isOriginal).toBe(true);
      expect(named(leaked)).toEqual([]);
    }
    expect(finderOf(copy).isOriginal).toBe(false);
    expect(named(roundTo8Bits(graph))).toEqual([]);
  });

  it('is claimed falsely no more often than it says: 1 000 keys on networks made without them', async () => {
    const anew = await fineTune(
      mapWeights(graph, (data) => data.toReversed()),
      allOf(training),
      { epochs: 1, batch: 32, learningRate: 0.025, seed: 3 },
    );
    const unmarked = await fineTune(graph, allOf(training), {
      epochs: 1,
      batch: 32,
      learningRate: 0.025,
      seed: 4,
    });
    for (const [what, leaked] of Object.entries({ independent: counter, anew, unmarked, tuned })) {
      const finder = finderOf(leaked);
      expect(named(leaked), what).toEqual(leaked === tuned ? [0] : []);
      const statistics = Array.from({ length: 250 }, () => finder.find(randomBytes(32)).statistic);
      const square = statistics.reduce((sum, z) => sum + z * z, 0) / 250;
      // Five deviations of the mean square of so many normal values.
      expect(Math.abs(square - 1), what).toBeLessThan(5 * Math.sqrt(2 / 250));
      // One run in a million fails.
      const worst = statistics.reduce((a, b) => Math.max(a, b));
      expect(falseAlarmExponent(worst, 250), what).toBeGreaterThan(-7);
      for (const limit of [1, 2]) {
        const beyond = statistics.filter((z) => z > limit).length;
        const bound = 250 * 10 ** falseAlarmExponent(limit, 1);
        expect(beyond, `${what} beyond ${limit}`).toBeLessThan(bound + 5 * Math.sqrt(bound));
      }
    }
  }, 300_000);

  it('is looked for in networks of the same architecture only', async () => {
    const { graph: other } = await loadZooNetwork('lenet5');
    expect(compareWeights(graph, other)).toBeNull();
  });
});
