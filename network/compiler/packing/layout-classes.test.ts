import { describe, expect, it } from 'vitest';
import { identityAffine } from '../linear/compose.ts';
import type { Step, StepNetwork } from '../lowering/steps.ts';
import { layoutClasses } from './layout-classes.ts';

const linear = (...sources: number[]): Step => ({
  kind: 'linear',
  terms: sources.map((source) => ({ source, affine: identityAffine(4) })),
  bias: new Float64Array(4),
  shape: [1, 2, 2],
});

describe('LayoutClasses', () => {
  it('joins factors with their product, and finds what pools and shortcuts read', () => {
    // 1 = linear(picture), 2 = 1², 3 = pool(2), 4 = linear(3), 5 = linear(2), 6 = 4 · 5, 7 = linear(6, 2)
    const network: StepNetwork = {
      name: 'test',
      pictureShape: [1, 2, 2],
      steps: [
        linear(0),
        { kind: 'product', left: 1, right: 1 },
        { kind: 'pool', source: 2, shape: [1, 2, 2], size: 2 },
        linear(3),
        linear(2),
        { kind: 'product', left: 4, right: 5 },
        linear(6, 2),
      ],
    };
    const { keys, linearOf, sourceOf } = layoutClasses(network);
    expect(keys).toEqual([1, 4, 7]);
    expect([...linearOf]).toEqual([
      [1, [0]],
      [4, [3, 4]],
      [7, [6]],
    ]);
    expect(sourceOf(3)).toEqual({ key: 1, pools: [network.steps[2]] });
    expect(sourceOf(6)).toEqual({ key: 4, pools: [] });
    expect(sourceOf(0)).toEqual({ key: 0, pools: [] });
  });
});
