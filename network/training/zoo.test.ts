import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { outputsOf } from '#fhe';
import { LOGIT_HEADROOM } from '#network/compiler/compile-limits.ts';
import { confusionAccuracy, countConfusion } from '#network/model/confusion.ts';
import { listZoo, loadZooNetwork } from '#network/model/description/zoo.ts';
import { runGraph } from '#network/model/run/run.ts';
import { decodeMap } from '#vision/decode-map.ts';
import { hostilePictures } from '../testing/hostile-pictures.ts';
import { readClip } from './datasets/clip.ts';
import { readIdxDataset } from './datasets/idx-pictures.ts';
import { normalizeDataset, normalizePictures } from './datasets/normalize-dataset.ts';
import { splitByTime } from './datasets/split-by-time.ts';
import { readClipMap } from './maps/read-clip-map.ts';
import { scorePoints } from './maps/score-points.ts';

const folder = fileURLToPath(new URL('../../demo/counter/', import.meta.url));

const digits = fileURLToPath(new URL('../../test/data/mnist/first-1000-', import.meta.url));

function largestOf(logits: Float32Array): number {
  return logits.reduce((most, logit) => Math.max(most, Math.abs(logit)), 0);
}

describe('Zoo', () => {
  it('holds networks whose description fits the graph', async () => {
    expect(await listZoo()).toContain('counter');
    for (const name of await listZoo()) {
      const { metadata, graph } = await loadZooNetwork(name);
      const { channels, height, width } = metadata.picture;
      expect(metadata).toMatchObject({
        name,
        description: expect.any(String),
        accuracy: expect.any(Number),
        seed: expect.any(Number),
      });
      expect(graph.inputs[0]!.shape!.slice(1)).toEqual([channels, height, width]);
      expect(runGraph(graph, new Float32Array(channels * height * width))).toHaveLength(outputsOf(metadata));
    }
  });

  it.each([
    ['carpark', []],
    ['carpark-map', []],
    ['counter', []],
    ['cryptonets', []],
    ['e2dm', ['columns of 3']],
    ['lenet5', ['columns of 2', 'rows of 2', 'slanting stripes of 2', 'slanting stripes of 3']],
  ])('%s: stays within the permitted range on hostile pictures, but for %j', async (name, beyond) => {
    const { graph, metadata } = await loadZooNetwork(name);
    const hostile = hostilePictures(metadata.picture);
    const withheld = hostile.filter(({ picture }) => {
      const prepared = picture.slice();
      normalizePictures(prepared, metadata.picture);
      return largestOf(runGraph(graph, prepared)) > LOGIT_HEADROOM * metadata.logitRange;
    });
    expect(withheld.map((each) => each.name)).toEqual(beyond);
    expect(await listZoo()).toHaveLength(6);
  });

  it('names the networks that there are', async () => {
    await expect(loadZooNetwork('nothing')).rejects.toThrow(
      /no bundled network 'nothing': there are carpark, carpark-map, counter, cryptonets, e2dm/,
    );
  });

  it.each([
    ['e2dm', 0.983],
    ['cryptonets', 0.989],
    ['lenet5', 0.99],
  ])('%s: reaches on 1 000 test digits what its card says', async (name, least) => {
    const { graph, metadata } = await loadZooNetwork(name);
    const { pictures, classes } = await readIdxDataset({
      images: `${digits}t10k-images-idx3-ubyte.gz`,
      labels: `${digits}t10k-labels-idx1-ubyte.gz`,
    });
    const logits = runGraph(graph, pictures);
    expect(largestOf(logits), 'none is withheld').toBeLessThan(LOGIT_HEADROOM * metadata.logitRange);
    const accuracy = confusionAccuracy(countConfusion(logits, classes, 10));
    expect(metadata.accuracy).toBeGreaterThanOrEqual(least);
    // The first half of the test pictures is harder; two deviations of 1 000 draws are 0.007.
    expect(Math.abs(accuracy - metadata.accuracy)).toBeLessThan(0.012);
  });

  it('carpark-map: finds on the later part of the clip what its card says', async () => {
    const { graph, metadata } = await loadZooNetwork('carpark-map');
    const [clip, boxes] = ['carpark.mp4', 'boxes.csv'].map((file) => join(folder, '..', 'carpark', file));
    const { labels, picture, map, decoding } = metadata;
    const all = await readClipMap({ clip: clip!, boxes: boxes!, labels, picture });
    const size = picture.channels * picture.height * picture.width;
    const from = Math.floor(0.6 * all.places.length);
    const pictures = all.places.slice(from).map((places, n) => {
      const shown = all.pictures.slice((from + n) * size, (from + n + 1) * size);
      normalizePictures(shown, picture);
      const answer = runGraph(graph, shown);
      expect(largestOf(answer), 'none is withheld').toBeLessThan(LOGIT_HEADROOM * metadata.logitRange);
      const { points } = decodeMap(answer, { ...map!, classes: labels.length, ...decoding! });
      return { points, places };
    });
    const { f1 } = scorePoints(pictures, labels.length);
    expect(f1).toBeCloseTo(metadata.accuracy, 3);
    expect(f1).toBeGreaterThanOrEqual(0.85);
  });

  it('counter: reaches on the later part of the clip what its card says', async () => {
    const { graph, metadata } = await loadZooNetwork('counter');
    const { labels, picture } = metadata;
    const all = await readClip(`${folder}counter.mp4`, `${folder}presence.csv`, labels, picture);
    const { test, testFrames } = splitByTime(all, 0.6);
    expect(Math.min(...testFrames)).toBe(836);
    const { pictures } = normalizeDataset(test, picture);
    const logits = runGraph(graph, pictures);
    expect(largestOf(logits), 'none is withheld').toBeLessThan(LOGIT_HEADROOM * metadata.logitRange);
    const confusion = countConfusion(logits, test.classes, 2);
    expect(confusionAccuracy(confusion)).toBeCloseTo(metadata.accuracy, 3);
    expect(confusionAccuracy(confusion)).toBeGreaterThanOrEqual(0.97);
  });
});
