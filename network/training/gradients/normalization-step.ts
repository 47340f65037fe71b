import { sizeOf } from '../../model/graph.ts';
import { normalizationFactors } from '../../model/operators/normalizing.ts';
import { inputOf, type NodeRule } from './node-step.ts';

/** BatchNormalization, differentiated by its input; statistics, scale and shift stay fixed. */
export const normalizationStep: NodeRule = (site) => {
  const { call, output } = site;
  const input = inputOf(site, 0);
  const [batch = 0, channels = 1, ...spatial] = input.shape;
  const pixels = sizeOf(spatial);
  const { factor, summand } = normalizationFactors(call, channels);
  const eachImage = (visit: (first: number, channel: number) => void): void => {
    for (let image = 0; image < batch * channels; image++) visit(image * pixels, image % channels);
  };
  return {
    forward: () =>
      eachImage((first, c) => {
        for (let at = first; at < first + pixels; at++) {
          output.values[at] = input.values[at]! * factor[c]! + summand[c]!;
        }
      }),
    backward: () =>
      eachImage((first, c) => {
        if (input.gradients === undefined) return;
        for (let at = first; at < first + pixels; at++) {
          input.gradients[at]! += output.gradients[at]! * factor[c]!;
        }
      }),
  };
};
