import { describe, expect, it } from 'vitest';
import { stackedBands } from './stacked-columns.ts';

describe('stackedBands', () => {
  const plot = {
    labels: ['person', 'empty'],
    times: [1, 2, 3],
    columns: [
      [0.25, null, 1],
      [0.75, null, 0],
    ],
  };

  it('stacks the last label at the bottom and paints it last', () => {
    expect(stackedBands(plot, ['empty', 'person'])).toEqual([
      { label: 'empty', edge: [1, null, 1] },
      { label: 'person', edge: [0.25, null, 1] },
    ]);
  });

  it('never rises above one, however the parts were rounded', () => {
    const rounded = {
      ...plot,
      columns: [
        [0.67, 0, 0],
        [0.34, 0, 0],
      ],
    };
    expect(stackedBands(rounded, ['empty', 'person'])[0]?.edge[0]).toBe(1);
  });
});
