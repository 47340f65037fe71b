import { sizeOf } from '../../model/graph.ts';
import { inputOf, type NodeRule } from './node-step.ts';

/** Weight of the newest batch in the running statistics. */
const MOMENTUM = 0.1;

/**
 * BatchNormalization in training: by mean and variance of the batch, scale and shift trained; running statistics follow, and are what a pass
 * uses that does not train. Maps are normalized, [pictures, maps, …].
 */
export const learnedNormalizationStep: NodeRule = (site) => {
  const { call, output, pass } = site;
  const [input, scale, shift, mean, variance] = [0, 1, 2, 3, 4].map((i) => inputOf(site, i));
  const { values, gradients: inputGradients } = input!;
  const [batch = 0, maps = 1, ...spatial] = input!.shape;
  const pixels = sizeOf(spatial);
  const count = batch * pixels;
  const epsilon = call.float('epsilon', 1e-5);
  const [means, inverses] = [new Float64Array(maps), new Float64Array(maps)];
  const measure = (c: number): void => {
    let [sum, squares] = [0, 0];
    for (let n = 0; n < batch; n++) {
      const first = (n * maps + c) * pixels;
      for (let at = first; at < first + pixels; at++) {
        const x = values[at]!;
        sum += x;
        squares += x * x;
      }
    }
    const middle = sum / count;
    const spread = Math.max(0, squares / count - middle * middle);
    means[c] = middle;
    inverses[c] = 1 / Math.sqrt(spread + epsilon);
    mean!.values[c]! += MOMENTUM * (middle - mean!.values[c]!);
    variance!.values[c]! += MOMENTUM * ((spread * count) / Math.max(1, count - 1) - variance!.values[c]!);
  };
  const forward = (): void => {
    for (let c = 0; c < maps; c++) {
      if (pass.training) measure(c);
      else {
        means[c] = mean!.values[c]!;
        inverses[c] = 1 / Math.sqrt(variance!.values[c]! + epsilon);
      }
      const factor = scale!.values[c]! * inverses[c]!;
      const summand = shift!.values[c]! - means[c]! * factor;
      for (let n = 0; n < batch; n++) {
        const first = (n * maps + c) * pixels;
        for (let at = first; at < first + pixels; at++) output.values[at] = values[at]! * factor + summand;
      }
    }
  };
  const backward = (): void => {
    for (let c = 0; c < maps; c++) {
      const [middle, inverse] = [means[c]!, inverses[c]!];
      let [sum, product] = [0, 0];
      for (let n = 0; n < batch; n++) {
        const first = (n * maps + c) * pixels;
        for (let at = first; at < first + pixels; at++) {
          const g = output.gradients[at]!;
          sum += g;
          product += g * (values[at]! - middle);
        }
      }
      product *= inverse;
      if (shift!.gradients !== undefined) shift!.gradients[c]! += sum;
      if (scale!.gradients !== undefined) scale!.gradients[c]! += product;
      if (inputGradients === undefined) continue;
      // factor · (g − sum/count − (x − mean) · inverse · product/count)
      const factor = scale!.values[c]! * inverse;
      const slope = (-factor * product * inverse) / count;
      const rest = (-factor * sum) / count - slope * middle;
      for (let n = 0; n < batch; n++) {
        const first = (n * maps + c) * pixels;
        for (let at = first; at < first + pixels; at++) {
          inputGradients[at]! += factor * output.gradients[at]! + slope * values[at]! + rest;
        }
      }
    }
  };
  return { forward, backward };
};
