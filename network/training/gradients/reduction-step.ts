import { planReduction, reductionShare } from '../../model/operators/reducing.ts';
import { inputOf, type NodeRule } from './node-step.ts';

/** ReduceMean and ReduceSum. */
export const reductionStep: NodeRule = (site) => {
  const { call, output } = site;
  const input = inputOf(site, 0);
  const plan = planReduction(call, input.shape);
  const share = reductionShare(call, plan);
  const { target } = plan;
  return {
    forward: () => {
      output.values.fill(0);
      for (let i = 0; i < target.length; i++) output.values[target[i]!]! += input.values[i]! * share;
    },
    backward: () => {
      if (input.gradients === undefined) return;
      for (let i = 0; i < target.length; i++) input.gradients[i]! += output.gradients[target[i]!]! * share;
    },
  };
};
