import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { env, InferenceSession, Tensor as OnnxTensor } from 'onnxruntime-web';
import { beforeAll, describe, expect, it } from 'vitest';
import { verifyProgram } from '#fhe';
import { runClear } from '#fhe/design';
import { interpretSlots } from '#fhe/secret';
import type { Graph } from '#network/model/graph.ts';
import { sizeOf } from '#network/model/graph.ts';
import { readOnnx } from '#network/model/onnx/onnx.ts';
import { runConformance } from '#network/model/run/conformance.ts';
import { runGraph } from '#network/model/run/run.ts';
import { randomPictures } from '#network/testing/small-graphs.ts';
import { compileNetwork } from '../compile.ts';
import { calibrateSteps } from '../lowering/calibrate-steps.ts';
import { lowerSteps } from '../lowering/lower-steps.ts';

const folder = fileURLToPath(new URL('../../../test/data/onnx/', import.meta.url));
const DIGITS = [...'0123456789'];

/** Networks that others trained, in the forms that their tools export. */
const FILES = [
  'ngraph-he-cryptonets.onnx',
  'he-man-cryptonets_square.onnx',
  'he-man-lenet5_square.onnx',
  'mnist-8/model.onnx',
  'resnet20-cifar10/resnet20.onnx',
];

function load(file: string): Graph {
  return readOnnx(readFileSync(`${folder}${file}`));
}

beforeAll(() => {
  env.wasm.numThreads = 1;
  env.logLevel = 'error';
});

describe('Published networks', () => {
  it.each(FILES)('%s answers as onnxruntime says', async (file) => {
    const graph = load(file);
    const { name, shape } = graph.inputs[0]!;
    const values = Float32Array.from(randomPictures(3, 1, sizeOf(shape!))[0]!);
    const session = await InferenceSession.create(readFileSync(`${folder}${file}`), {
      logSeverityLevel: 3,
    });
    const outputs = await session.run({ [name]: new OnnxTensor('float32', values, shape!) });
    const truth = outputs[graph.outputs[0]!.name]!.data as Float32Array;
    const largest = Math.max(...truth.map(Math.abs));
    runGraph(graph, values).forEach((value, i) => {
      expect(Math.abs(value - truth[i]!)).toBeLessThan(1e-4 * largest);
    });
  });

  it('mnist-8 gives the outputs that came with it', async () => {
    expect(await runConformance(`${folder}mnist-8`)).toMatchObject({ passed: 1, failed: 0, refused: 0 });
  });

  it.each([
    ['ngraph-he-cryptonets.onnx', 'baby-giant'],
    ['he-man-cryptonets_square.onnx', 'hoisted'],
  ])('%s compiles as it is, at N = 8192', (file, second) => {
    const graph = load(file);
    const size = sizeOf(graph.inputs[0]!.shape!.slice(1));
    const [picture, ...others] = randomPictures(3, 4, size);
    const ranges = calibrateSteps(
      lowerSteps(graph),
      Float32Array.from([picture!, ...others].flatMap((one) => [...one])),
    );
    const compiled = compileNetwork(graph, {
      labels: DIGITS,
      activationRanges: ranges.activations,
      logitRange: ranges.logits,
    });
    expect(compiled.report.ringDegree).toBe(8192);
    expect(compiled.report.stages.map((stage) => stage.plan)).toEqual(['patches', second, 'hoisted']);
    const answer = interpretSlots(
      runClear(verifyProgram(compiled.program), compiled.constants, picture!),
      compiled.interpretation,
    );
    const truth = runGraph(graph, picture!);
    expect(answer).toMatchObject({
      ok: true,
      answers: [{ label: DIGITS[truth.indexOf(Math.max(...truth))] }],
    });
  });
});
