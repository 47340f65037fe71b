import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { runGraph } from './model/run.ts';
import { readClip } from './datasets/clip.ts';
import { confusionAccuracy, countConfusion } from './training/confusion.ts';
import { COUNTER_LABELS, COUNTER_PICTURE, splitCounter } from './training/train-counter.ts';
import { listZoo, loadZooNetwork } from './zoo.ts';

const folder = fileURLToPath(new URL('../deploy/demo/counter/', import.meta.url));

describe('Zoo', () => {
  it('holds networks whose description fits the graph', async () => {
    expect(await listZoo()).toContain('counter');
    for (const name of await listZoo()) {
      const { metadata, graph } = await loadZooNetwork(name);
      const { channels, height, width } = metadata.picture;
      expect(graph.inputs[0]!.shape!.slice(1)).toEqual([channels, height, width]);
      expect(runGraph(graph, new Float32Array(channels * height * width))).toHaveLength(
        metadata.labels.length,
      );
    }
  });

  it('names the networks that there are', async () => {
    await expect(loadZooNetwork('nothing')).rejects.toThrow(
      "no bundled network 'nothing': there are counter",
    );
  });

  it('counter: reaches on the later part of the clip what its card says', async () => {
    const all = await readClip(
      `${folder}counter.mp4`,
      `${folder}presence.csv`,
      COUNTER_LABELS,
      COUNTER_PICTURE,
    );
    const { test, testFrames } = splitCounter(all);
    expect(Math.min(...testFrames)).toBe(836);
    const { graph, metadata } = await loadZooNetwork('counter');
    const confusion = countConfusion(runGraph(graph, test.pictures), test.classes, 2);
    expect(confusionAccuracy(confusion)).toBeCloseTo(metadata.accuracy, 3);
    expect(confusionAccuracy(confusion)).toBeGreaterThanOrEqual(0.97);
  }, 120_000);
});
