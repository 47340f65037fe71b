import type { Arithmetic } from '#network/model/kernel/workspace.ts';
import { broadcastBlocks } from '../../model/operators/broadcast.ts';
import { alignRight } from '../../model/operators/elementwise.ts';
import { inputOf, type NodeRule } from './node-step.ts';

function arithmetic(operator: Arithmetic): NodeRule {
  return (site) => {
    const { call, workspace, output } = site;
    const [left, right] = [inputOf(site, 0), inputOf(site, 1)];
    const blocks = broadcastBlocks(call, left.shape, alignRight(call, left.shape, right.shape));
    const a = { values: left.values, starts: workspace.keep(blocks.startsA), step: blocks.stepA };
    const b = { values: right.values, starts: workspace.keep(blocks.startsB), step: blocks.stepB };
    return {
      forward: () => workspace.combine(operator, output.values, a, b),
      backward: () => {
        [left, right].forEach(({ gradients }, side) => {
          if (gradients === undefined) return;
          workspace.combineBack(operator, side === 1, gradients, output.gradients, a, b);
        });
      },
    };
  };
}

/** Add, Sub, Mul, Div with numpy's broadcasting; a value on both sides gets both contributions. */
export const arithmeticSteps: Readonly<Record<Arithmetic, NodeRule>> = {
  Add: arithmetic('Add'),
  Sub: arithmetic('Sub'),
  Mul: arithmetic('Mul'),
  Div: arithmetic('Div'),
};
