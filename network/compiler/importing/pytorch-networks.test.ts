import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { env, InferenceSession, Tensor as OnnxTensor } from 'onnxruntime-web';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Graph, sizeOf } from '#network/model/graph.ts';
import { readOnnx } from '#network/model/onnx/onnx.ts';
import { runGraph } from '#network/model/run/run.ts';
import { interpretedAnswers } from '#network/testing/interpreted-answers.ts';
import { randomPictures } from '#network/testing/small-graphs.ts';
import { fineTuner } from '#network/training/fine-tuner.ts';
import { compileNetwork } from '../compile.ts';
import type { CompiledNetwork } from '../compiled-network.ts';
import { interpretationError } from '../interpretation-error.ts';
import { calibrateSteps } from '../lowering/calibrate-steps.ts';
import { lowerSteps } from '../lowering/lower-steps.ts';
import { runSteps } from '../lowering/run-steps.ts';
import { planNetwork } from '../packing/plan-network.ts';
import { adaptPictureInput } from '../rewrite/picture-input.ts';
import { importNetwork } from './import-network.ts';

const SIDE = 12;
const LABELS = ['a', 'b', 'c'];
/** Errors of encrypted logits relative to the largest. */
const TOLERANCE = 2 ** -10;

/** Quadratics as `testing/pytorch/export.py` writes them. */
const QUADRATICS = [
  'axx+bx',
  'xx-a+bx+c',
  'bx+pow',
  'x-ax+b',
  'factors',
  'square-bx',
  'addcmul',
  'shifted',
  'scalars',
  'views',
].map((form) => `quadratic-${form}`);

/** One number per channel: means and sums over height and width. */
const SPACE = ['space-mean', 'space-mean-negative', 'space-mean-twice', 'space-sum'];

/** The results of each export, by file name. */
const bytesOf = (name: string): Uint8Array =>
  readFileSync(fileURLToPath(new URL(`../../testing/pytorch/${name}.onnx`, import.meta.url)));

/** Fed as by a gateway: channel first, bytes / 255. */
function prepared(name: string): Graph {
  const graph = readOnnx(bytesOf(name));
  const channels = sizeOf(graph.inputs[0]!.shape!.slice(1)) / SIDE ** 2;
  return adaptPictureInput(graph, { channels, height: SIDE, width: SIDE });
}

const picturesFor = (graph: Graph): Float32Array[] =>
  randomPictures(8, 20, sizeOf(graph.inputs[0]!.shape!.slice(1)));

/** Height × width × channels from channels × height × width. */
function channelsLast(picture: Float32Array): Float32Array {
  const channels = picture.length / SIDE ** 2;
  return picture.map((_, i) => picture[(i % channels) * SIDE ** 2 + Math.floor(i / channels)]!);
}

function compiled(graph: Graph): CompiledNetwork {
  const values = Float32Array.from(picturesFor(graph).flatMap((picture) => [...picture]));
  const { activations, logits } = calibrateSteps(lowerSteps(graph), values);
  return compileNetwork(graph, {
    name: 'same',
    labels: LABELS,
    activationRanges: activations,
    logitRange: logits,
  });
}

beforeAll(() => {
  env.wasm.numThreads = 1;
  env.logLevel = 'error';
});

describe('PyTorch networks', () => {
  it.each([...QUADRATICS, 'quadratic-bare', ...SPACE, 'channels-last'])(
    '%s answers as onnxruntime says, in the clear and lowered',
    async (name) => {
      const graph = prepared(name);
      const lowered = lowerSteps(graph);
      const session = await InferenceSession.create(bytesOf(name), { logSeverityLevel: 3 });
      const shape = [1, ...readOnnx(bytesOf(name)).inputs[0]!.shape!.slice(1)];
      for (const picture of picturesFor(graph).slice(0, 3)) {
        const fed = shape.at(-1) === 3 ? channelsLast(picture) : picture;
        const outputs = await session.run({ picture: new OnnxTensor('float32', fed, shape) });
        const truth = outputs.logits!.data as Float32Array;
        const largest = Math.max(...truth.map(Math.abs));
        const [clear, steps] = [runGraph(graph, picture), runSteps(lowered, picture)];
        truth.forEach((value, i) => {
          expect(Math.abs(clear[i]! - value)).toBeLessThan(1e-4 * largest);
          expect(Math.abs(steps[i]! - value)).toBeLessThan(1e-4 * largest);
        });
      }
    },
  );

  describe('with a quadratic', () => {
    const graph = prepared('quadratic-bare');
    const bare = { ...planNetwork(lowerSteps(graph)), program: compiled(graph).program };

    it.each(QUADRATICS)('%s is the program of bare squares, at their levels and time', (name) => {
      const written = prepared(name);
      expect(compiled(written).program).toEqual(bare.program);
      const { plan, literal } = planNetwork(lowerSteps(written));
      expect(literal).toEqual(bare.literal);
      expect([plan.milliseconds, plan.value]).toEqual([bare.plan.milliseconds, bare.plan.value]);
    });
  });

  it.each(['quadratic-axx+bx', 'space-mean', 'channels-last'])(
    '%s: engine, SEAL and the clear program agree',
    async (name) => {
      const graph = prepared(name);
      const network = compiled(graph);
      const picture = picturesFor(graph)[0]!;
      const truth = runSteps(lowerSteps(graph), picture);
      for (const slots of await interpretedAnswers(network, picture)) {
        const { logitError } = interpretationError(slots, network.interpretation, truth);
        expect(logitError).toBeLessThan(TOLERANCE * Math.max(...truth.map(Math.abs)));
      }
    },
  );

  it('says what to do about the largest value of a whole picture', () => {
    const refused = /node '.*' \(ReduceMax\): .*train with GlobalAveragePool.* or with MaxPool/;
    expect(() => runGraph(prepared('space-max'), picturesFor(prepared('space-max'))[0]!)).toThrow(refused);
    const global = prepared('space-max');
    const nodes = global.nodes.map((one) =>
      one.operator === 'ReduceMax' ? { ...one, operator: 'GlobalMaxPool' } : one,
    );
    expect(() => lowerSteps({ ...global, nodes })).toThrow(/GlobalMaxPool.*GlobalAveragePool/);
  });

  it.each([
    ['ending-softmax', 'Softmax'],
    ['ending-log-softmax', 'LogSoftmax'],
    ['ending-softmax-flatten', 'Softmax'],
    ['ending-sigmoid', 'Sigmoid'],
  ])(
    '%s is imported and fine-tuned without its ending, and the same class comes first',
    async (name, operator) => {
      const given = prepared(name);
      const pictures = randomPictures(4, 60, SIDE ** 2);
      const session = await InferenceSession.create(bytesOf(name), { logSeverityLevel: 3 });
      const answers: number[] = [];
      for (const picture of pictures) {
        const outputs = await session.run({
          picture: new OnnxTensor('float32', picture, [1, 1, SIDE, SIDE]),
        });
        const values = outputs.logits!.data as Float32Array;
        answers.push(values.indexOf(Math.max(...values)));
      }
      const calibration = {
        picture: { channels: 1, height: SIDE, width: SIDE },
        labels: LABELS,
        pictures: Float32Array.from(pictures.flatMap((picture) => [...picture])),
        classes: Uint8Array.from(answers),
      };
      const imported = await importNetwork(given, {
        calibration,
        tolerance: 1,
        fineTune: fineTuner({ epochs: 1 }),
      });
      expect(imported.ending).toBe(operator);
      // As given, without the ending: onnxruntime's answer for the full network.
      expect(imported.accuracyBefore).toBe(1);
      expect(imported.layers.map((layer) => layer.operator)).toEqual(['Relu', 'Relu']);
      expect(imported.graph.nodes.some((one) => one.operator === operator)).toBe(false);
    },
  );
});
