import { describe, expect, it } from 'vitest';
import type { Attribute } from '#network/model/graph.ts';
import { Call } from '#network/model/operators/operator.ts';
import { operatorOf } from '#network/model/operators/table.ts';
import { ints, node, randomPictures } from '#network/testing/small-graphs.ts';
import { applyAffine } from './affine.ts';
import { globalPoolingMap, poolingMap } from './linearize-pooling.ts';

const shape = [1, 2, 5, 6];
const int = (value: number): Attribute => ({ kind: 'int', value });

function expectSame(operator: string, attributes: Record<string, Attribute>): void {
  const one = node(operator, ['picture'], 'pooled', attributes);
  const withData = (data: Float64Array): Call => new Call(one, 13, [{ type: 'float32', shape, data }]);
  const picture = Float64Array.from(randomPictures(1, 1, 60)[0]!);
  const call = withData(picture);
  const map = operator === 'AveragePool' ? poolingMap : globalPoolingMap;
  const linear = map(call, { position: 0, shape, withData });
  const [truth] = operatorOf(one).run(call);
  expect(linear.shape).toEqual(truth!.shape);
  const values = applyAffine(linear.affine, picture);
  expect(values).toHaveLength(truth!.data.length);
  values.forEach((value, i) => {
    expect(value).toBeCloseTo(truth!.data[i]!, 10);
  });
}

describe('LinearizePooling', () => {
  it.each<[string, Record<string, Attribute>]>([
    ['windows side by side', { kernel_shape: ints(2, 2), strides: ints(2, 2) }],
    ['windows that overlap', { kernel_shape: ints(3, 2), strides: ints(1, 2) }],
    ['a padded edge, counting what exists', { kernel_shape: ints(3, 3), pads: ints(1, 1, 1, 1) }],
    [
      'a padded edge, counting all',
      { kernel_shape: ints(3, 3), pads: ints(1, 0, 1, 2), count_include_pad: int(1) },
    ],
    ['a last window that hangs over', { kernel_shape: ints(2, 4), strides: ints(2, 4), ceil_mode: int(1) }],
  ])('gives the means of %s', (_, attributes) => expectSame('AveragePool', attributes));

  it('gives the mean of each channel', () => expectSame('GlobalAveragePool', {}));
});
