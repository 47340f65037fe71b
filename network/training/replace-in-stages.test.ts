import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compileNetwork } from '#network/compiler/compile.ts';
import { importNetwork } from '#network/compiler/importing/import-network.ts';
import type { ImportedNetwork } from '#network/compiler/importing/imported-network.ts';
import { interpretationError } from '#network/compiler/interpretation-error.ts';
import { lowerSteps } from '#network/compiler/lowering/lower-steps.ts';
import { runSteps } from '#network/compiler/lowering/run-steps.ts';
import type { Dataset } from '#network/model/dataset.ts';
import type { Graph } from '#network/model/graph.ts';
import { SeededRandom } from '#network/model/random.ts';
import { runGraph } from '#network/model/run/run.ts';
import { interpretedAnswers } from '../testing/interpreted-answers.ts';
import { graphOf, ints, node, randomPictures, randomTensor } from '../testing/small-graphs.ts';
import { type FineTunerOptions, fineTuner } from './fine-tuner.ts';

const SIDE = 6;
/** Errors of encrypted logits relative to the calibrated range: the decryptor's tolerance. */
const TOLERANCE = 2 ** -10;
const SAME = { pads: ints(1, 1, 1, 1) };

/** Convolution → ReLU → residual block → ReLU → max pooling → dense, as people export it: no normalization left. */
function residual(seed = 3): Graph {
  const random = new SeededRandom(seed);
  const constants = {
    w0: randomTensor(random, [3, 1, 3, 3], 0.5),
    b0: randomTensor(random, [3], 0.1),
    w1: randomTensor(random, [3, 3, 3, 3], 0.25),
    b1: randomTensor(random, [3], 0.1),
    w3: randomTensor(random, [3, 27], 0.5),
    b3: randomTensor(random, [3], 0.1),
  };
  return graphOf([1, SIDE, SIDE], 3, constants, [
    node('Conv', ['picture', 'w0', 'b0'], 'c0', SAME),
    node('Relu', ['c0'], 'r0'),
    node('Conv', ['r0', 'w1', 'b1'], 'c1', SAME),
    node('Add', ['c1', 'r0'], 's'),
    node('Relu', ['s'], 'r1'),
    node('MaxPool', ['r1'], 'm', { kernel_shape: ints(2, 2), strides: ints(2, 2) }),
    node('Flatten', ['m'], 'f'),
    node('Gemm', ['f', 'w3', 'b3'], 'logits', { transB: { kind: 'int', value: 1 } }),
  ]);
}

/** Pictures labelled with the network's own answers, its outputs moved so that every label occurs. */
function labelled(given: Graph, count: number): { graph: Graph; dataset: Dataset } {
  const pictures = Float32Array.from(randomPictures(2, count, SIDE ** 2).flatMap((picture) => [...picture]));
  const logits = runGraph(given, pictures);
  const bias = given.initializers.get('b3')!;
  const means = [0, 1, 2].map((k) => logits.filter((_, i) => i % 3 === k).reduce((a, b) => a + b, 0) / count);
  const data = Float32Array.from(bias.data, (value, k) => value - means[k]!);
  const graph = {
    ...given,
    initializers: new Map([...given.initializers, ['b3', { ...bias, data }] as const]),
  };
  const classes = Uint8Array.from({ length: count }, (_, n) => {
    const row = [0, 1, 2].map((k) => logits[3 * n + k]! - means[k]!);
    return row.indexOf(Math.max(...row));
  });
  const picture = { channels: 1, height: SIDE, width: SIDE };
  return { graph, dataset: { picture, labels: ['a', 'b', 'c'], pictures, classes } };
}

const { graph, dataset } = labelled(residual(), 200);

function imported(
  options: FineTunerOptions,
  stopAt?: number,
  given = graph,
  pictures = dataset,
): Promise<ImportedNetwork> {
  const stop = new AbortController();
  return importNetwork(given, {
    calibration: pictures,
    tolerance: 1,
    fineTune: fineTuner({ epochs: 12, seed: 1, ...options }),
    signal: stop.signal,
    onProgress: (progress) => {
      if (progress.step === 'fine-tuning' && progress.done >= (stopAt ?? 2)) stop.abort(new Error('stopped'));
    },
  });
}

const withoutTime = ({ layers }: ImportedNetwork) => layers.map(({ seconds: _, ...layer }) => layer);

describe('ReplaceInStages', () => {
  it('reports what each step cost, and its result is what is lowered and encrypted', async () => {
    const result = await imported({});
    expect(result.layers.map(({ operator, method }) => [operator, method])).toEqual([
      ['MaxPool', 'scaled-mean'],
      ['Relu', 'quadratics-of-maps'],
      ['Relu', 'quadratics-of-maps'],
    ]);
    for (const layer of result.layers.slice(1)) {
      expect(layer.low).toBeLessThan(0);
      expect(layer.high).toBeGreaterThan(0);
      expect(layer.polynomials.map((polynomial) => polynomial.length)).toEqual([3, 3, 3]);
      for (const share of [layer.accuracyBefore, layer.accuracy, layer.accuracyTrained]) {
        expect(share).toBeGreaterThanOrEqual(0);
        expect(share).toBeLessThanOrEqual(1);
      }
      expect(layer.seconds).toBeGreaterThan(0);
      expect(layer.worstError).toBeGreaterThanOrEqual(layer.typicalError);
    }
    expect(result.layers[2]!.accuracyBefore).toBe(result.layers[1]!.accuracyTrained);
    expect(result.graph.nodes.map(({ operator }) => operator)).not.toContain('BatchNormalization');
    const lowered = lowerSteps(result.graph);
    const network = compileNetwork(result.graph, {
      labels: ['a', 'b', 'c'],
      activationRanges: result.ranges.activations,
      logitRange: result.ranges.logits,
    });
    const picture = dataset.pictures.subarray(0, SIDE ** 2);
    const truth = runSteps(lowered, picture);
    runGraph(result.graph, picture).forEach((logit, k) => {
      expect(truth[k]).toBeCloseTo(logit, 3);
    });
    for (const slots of await interpretedAnswers(network, picture)) {
      const { logitError, emptySlot } = interpretationError(slots, network.interpretation, truth);
      expect(Math.max(logitError, emptySlot)).toBeLessThan(TOLERANCE * network.interpretation.range);
    }
  });

  it('goes on from where it was stopped, in any stage and behind them, as if it never was', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'blindsight-stages-'));
    try {
      const whole = await imported({});
      const resume = join(folder, 'state');
      for (const stopAt of [0.05, 0.2, 0.9])
        await expect(imported({ resume }, stopAt)).rejects.toThrow('stopped');
      const resumed = await imported({ resume });
      expect(withoutTime(resumed)).toEqual(withoutTime(whole));
      expect(resumed.ranges).toEqual(whole.ranges);
      expect([...resumed.graph.initializers]).toEqual([...whole.graph.initializers]);

      await expect(imported({ resume }, 0.05)).rejects.toThrow('stopped');
      const refused = async (run: Promise<unknown>, what: RegExp): Promise<void> => {
        await expect(run).rejects.toMatchObject({ code: 'NETWORK_RESUME' });
        await expect(run).rejects.toThrow(what);
      };
      await refused(imported({ resume, epochs: 13 }), /settings differ/);
      await refused(imported({ resume }, 2, residual(4)), /network/);
      const fewer = { ...dataset, pictures: dataset.pictures.map((value) => value / 2) };
      await refused(imported({ resume }, 2, graph, fewer), /pictures differ/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('names the loss that is no number, and tries lower rates first', async () => {
    const broken = { ...dataset, pictures: dataset.pictures.slice() };
    // One picture after those that are calibrated and measured on overflows the squares.
    broken.pictures.fill(1e25, 198 * SIDE ** 2, 199 * SIDE ** 2);
    const rates: number[] = [];
    const run = importNetwork(graph, {
      calibration: broken,
      fineTune: fineTuner({ epochs: 12 }),
      onProgress: (progress) => {
        if (progress.step === 'slower') rates.push(progress.learningRate);
      },
    });
    await expect(run).rejects.toMatchObject({ code: 'NETWORK_TRAINING' });
  });
});
