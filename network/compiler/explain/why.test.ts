import { describe, expect, it } from 'vitest';
import { randomStack } from '#network/testing/random-stack.ts';
import { linearSteps, weighLayouts } from '../packing/weigh-layouts.ts';
import { explainSketch, sketchForExplanation } from './explain-network.ts';
import { findLayer } from './find-layer.ts';
import { printWeighed } from './print-weighed.ts';

const sketch = sketchForExplanation(randomStack(3, ['conv', 'strided'], { side: 6, maps: 3 }));
const { layers } = explainSketch(sketch);

describe('WeighLayouts', () => {
  it('weighs what the plan chose as the plan has it, and knows no better', () => {
    for (const [i, step] of linearSteps(sketch.planned).entries()) {
      const { layouts, readBy, level } = weighLayouts(sketch.planned, i + 1);
      const [chosen, ...others] = layouts.filter((layout) => layout.chosen);
      expect(others).toEqual([]);
      expect(chosen).toMatchObject({ name: sketch.planned.plan.layouts[step + 1]!.name, exact: true });
      const stage = sketch.report.stages[i]!;
      expect(level).toBe(stage.level);
      expect(chosen!.own).toMatchObject({ products: stage.products, rotations: stage.rotations });
      expect(readBy).toEqual(i === 2 ? [] : [i + 2]);
      const exact = layouts.filter((layout) => layout.exact);
      expect(Math.min(...exact.map(({ value }) => value))).toBe(chosen!.value);
    }
  });

  it('says in words what was chosen, and what it would lose elsewhere', () => {
    const text = printWeighed('small', weighLayouts(sketch.planned, 2));
    expect(text).toMatch(/^small: layer 2, 108 → 27 values at level 3\n/);
    expect(text.match(/^ *→/gm)).toHaveLength(1);
    expect(text).toMatch(/ in layer 3, which reads it\. The .* count as .* in all\./);
    expect(text).toMatch(
      /” (is the next best and would cost \d+\.\d % more: here it takes |would cost the same\.)/,
    );
    expect(text).not.toMatch(/\d\.\d{4}|NaN|undefined/);
  });
});

describe('FindLayer', () => {
  it('finds layers by number or slowness, and lists them for any other word', () => {
    expect(findLayer(layers, '2')).toBe(2);
    const slowest = layers
      .filter(({ kind }) => kind === 'linear')
      .sort((a, b) => b.estimatedMs - a.estimatedMs);
    expect(findLayer(layers, 'slowest')).toBe(slowest[0]!.number);
    for (const word of ['0', '4', '1.5', '', '-1', '__proto__', '2\u0000', 'x'.repeat(9999)])
      expect(() => findLayer(layers, word)).toThrow(
        expect.objectContaining({
          code: 'NETWORK_LAYER',
          message: `no layer '${word.slice(0, 40)}': say 'slowest' or a number of 1 (36 → 108 values), 2 (108 → 27 values), 3 (27 → 3 values)`,
        }),
      );
  });
});
