import { Call } from '../../model/operators/operator.ts';
import { planPooling } from '../../model/operators/pooling.ts';
import { operatorOf } from '../../model/operators/table.ts';
import { inputOf, type NodeRule } from './node-step.ts';

/** Relu; its slope at 0 is 0. */
export const reluStep: NodeRule = (site) => {
  const { output } = site;
  const input = inputOf(site, 0);
  return {
    forward: () => {
      for (let i = 0; i < output.values.length; i++) output.values[i] = Math.max(0, input.values[i]!);
    },
    backward: () => {
      if (input.gradients === undefined) return;
      for (let i = 0; i < output.values.length; i++)
        if (output.values[i]! > 0) input.gradients[i]! += output.gradients[i]!;
    },
  };
};

/** MaxPool, its first output; the gradient goes to the first of the largest values. */
export const maxPoolStep: NodeRule = (site) => {
  const { call, output } = site;
  const input = inputOf(site, 0);
  const { images, pixels, windows } = planPooling(call, input.shape);
  const { positions, taps, index } = windows;
  const chosen = new Int32Array(images * positions);
  return {
    forward: () => {
      for (let image = 0; image < images; image++) {
        for (let p = 0; p < positions; p++) {
          const to = image * positions + p;
          let largest = -Infinity;
          for (let tap = 0; tap < taps; tap++) {
            const at = index[tap * positions + p]!;
            if (at < 0 || input.values[image * pixels + at]! <= largest) continue;
            largest = input.values[image * pixels + at]!;
            chosen[to] = image * pixels + at;
          }
          output.values[to] = largest;
        }
      }
    },
    backward: () => {
      if (input.gradients === undefined) return;
      for (let i = 0; i < chosen.length; i++) input.gradients[chosen[i]!]! += output.gradients[i]!;
    },
  };
};

/** Any other operator, for networks that only answer: as the clear run computes it. */
export const answeringStep: NodeRule = ({ call, inputs, output }) => {
  // The tensors that stand for values read them where they are; what is no value (an integer) stays as it is.
  const tensors = call.inputs.map((tensor, i) => {
    const value = inputs[i];
    return tensor === undefined || value === undefined ? tensor : { ...tensor, data: value.values };
  });
  const operator = operatorOf(call.node);
  return {
    // A call counts what it may take of memory: a new one each time.
    forward: () => output.values.set(operator.run(new Call(call.node, call.opset, tensors))[0]!.data),
    backward: () => call.refuse('has no gradient here'),
  };
};
