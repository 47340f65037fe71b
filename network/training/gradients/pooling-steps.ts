import { sizeOf } from '../../model/graph.ts';
import type { Call } from '../../model/operators/operator.ts';
import { averageDivisor, planPooling } from '../../model/operators/pooling.ts';
import type { Windows } from '../../model/operators/windows.ts';
import { inputOf, type NodeRule } from './node-step.ts';

function sharesOf(call: Call, windows: Windows): Float32Array {
  return Float32Array.from({ length: windows.positions }, (_, p) => 1 / averageDivisor(call, windows, p));
}

/** AveragePool. */
export const averagePoolStep: NodeRule = (site) => {
  const { call, output } = site;
  const input = inputOf(site, 0);
  const { images, pixels, windows } = planPooling(call, input.shape);
  const { positions, taps, index } = windows;
  const shares = sharesOf(call, windows);
  return {
    forward: () => {
      for (let image = 0; image < images; image++) {
        for (let p = 0; p < positions; p++) {
          let sum = 0;
          for (let tap = 0; tap < taps; tap++) {
            const at = index[tap * positions + p]!;
            if (at >= 0) sum += input.values[image * pixels + at]!;
          }
          output.values[image * positions + p] = sum * shares[p]!;
        }
      }
    },
    backward: () => {
      if (input.gradients === undefined) return;
      for (let image = 0; image < images; image++) {
        for (let p = 0; p < positions; p++) {
          const share = output.gradients[image * positions + p]! * shares[p]!;
          for (let tap = 0; tap < taps; tap++) {
            const at = index[tap * positions + p]!;
            if (at >= 0) input.gradients[image * pixels + at]! += share;
          }
        }
      }
    },
  };
};

/** GlobalAveragePool. */
export const globalAveragePoolStep: NodeRule = (site) => {
  const { output } = site;
  const input = inputOf(site, 0);
  const pixels = sizeOf(input.shape.slice(2));
  return {
    forward: () => {
      for (let image = 0; image < output.values.length; image++) {
        let sum = 0;
        for (let at = image * pixels; at < (image + 1) * pixels; at++) sum += input.values[at]!;
        output.values[image] = sum / pixels;
      }
    },
    backward: () => {
      if (input.gradients === undefined) return;
      for (let at = 0; at < input.gradients.length; at++) {
        input.gradients[at]! += output.gradients[Math.floor(at / pixels)]! / pixels;
      }
    },
  };
};
