import { compileNetwork } from '#network/compiler/compile.ts';
import type { CompiledNetwork } from '#network/compiler/compiled-network.ts';
import { abstractActivations } from '#network/compiler/explain/abstract-activations.ts';
import { calibrateSteps } from '#network/compiler/lowering/calibrate-steps.ts';
import { lowerSteps } from '#network/compiler/lowering/lower-steps.ts';
import { registerSizes } from '#network/compiler/lowering/steps.ts';
import { dropEnding } from '#network/compiler/rewrite/drop-ending.ts';
import { loadNetwork } from '#network/model/description/load-network.ts';
import type { Graph } from '#network/model/graph.ts';
import { writeOnnx } from '#network/model/onnx/onnx.ts';
import { SeededRandom } from '#network/model/random.ts';
import { singlePicture } from './single-picture.ts';

/** One network in two forms that answer alike, and pictures for both. */
export type ClearCase = {
  readonly name: string;
  readonly compiled: CompiledNetwork;
  /** The network without encryption: an ONNX file that ends in the logits. */
  readonly onnx: Uint8Array;
  /** Shape of the ONNX input, a batch of one. */
  readonly shape: readonly number[];
  /** Values in [0, 1), each as many as `shape` has places. */
  readonly pictures: readonly Float32Array[];
  /** Bytes of the ONNX file's parameters. */
  readonly parameterBytes: number;
  /** Activations and poolings that became squares and mean pooling in both forms. */
  readonly replaced: number;
};

const PICTURES = 5;
/** As `explain` assumes: what is measured first calibrates scales, and 20 pictures of noise are much alike. */
const CALIBRATION_PICTURES = 20;

/**
 * Loads a bundled network or an ONNX file. Speed depends neither on weights nor on pictures, so the pictures are noise, ranges are those that noise has,
 * and what is no polynomial becomes a square or mean pooling in both forms.
 *
 * @throws NetworkError as `loadNetwork` and `compileNetwork`
 */
export async function openClearCase(network: string): Promise<ClearCase> {
  const named = await loadNetwork(network);
  const { graph, replaced } = abstractActivations(dropEnding(named.graph, { sigmoid: true }).graph);
  const steps = lowerSteps(graph);
  const sizes = registerSizes(steps);
  const random = new SeededRandom(11);
  const noise = (): Float32Array => Float32Array.from({ length: sizes[0]! }, () => random.uniform());
  const calibration = Float32Array.from(
    Array.from({ length: CALIBRATION_PICTURES }, () => [...noise()]).flat(),
  );
  const ranges = calibrateSteps(steps, calibration);
  const { task, map, decoding, light, motion } = named;
  const compiled = compileNetwork(graph, {
    name: named.name,
    labels: named.labels ?? Array.from({ length: sizes.at(-1)! }, (_, i) => String(i)),
    ...(task && { task }),
    ...(map && { map }),
    ...(decoding && { decoding }),
    picture: { ...(light && { light }), ...(motion && { motion }) },
    activationRanges: ranges.activations,
    logitRange: ranges.logits,
  });
  return {
    name: named.name,
    compiled,
    onnx: writeOnnx(singlePicture(graph)),
    shape: [1, ...graph.inputs[0]!.shape!.slice(1)],
    pictures: Array.from({ length: PICTURES }, noise),
    parameterBytes: parameterBytes(graph),
    replaced: replaced.length,
  };
}

/** Four bytes a parameter. */
function parameterBytes({ initializers }: Graph): number {
  let count = 0;
  for (const { type, data } of initializers.values()) if (type === 'float32') count += data.length;
  return 4 * count;
}
