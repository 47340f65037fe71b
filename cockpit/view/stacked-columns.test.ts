import { describe, expect, it } from 'vitest';
import { countTop, ownBands, stackedBands } from './stacked-columns.ts';

describe('ownBands', () => {
  it('stands no label on another, and hides none behind a taller one', () => {
    const plot = {
      labels: ['night', 'rain'],
      times: [1, 2],
      columns: [
        [0.1, null],
        [0.9, null],
      ],
    };
    expect(ownBands(plot)).toEqual([
      { label: 'rain', edge: [0.9, null] },
      { label: 'night', edge: [0.1, null] },
    ]);
  });
});

describe('countTop', () => {
  const top = (...counts: (number | null)[]) => countTop([{ label: 'car', edge: counts }]);

  it('is even, holds all of it, and is no less than four', () => {
    expect(top()).toBe(4);
    expect(top(1, null, 3)).toBe(4);
    expect(top(5)).toBe(6);
    expect(top(20)).toBe(20);
    expect(top(21)).toBe(30);
    expect(top(130)).toBe(200);
  });

  it('lets counts stand on each other without a bound', () => {
    const plot = { labels: ['car', 'bus'], times: [1], columns: [[3], [2]] };
    expect(stackedBands(plot, ['car', 'bus'], Number.POSITIVE_INFINITY)[0]).toEqual({
      label: 'car',
      edge: [5],
    });
  });
});

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
