import { expect, it } from 'vitest';
import { sparkValues } from './spark-values.ts';

it('is the most of what is there, over labels and regions, and breaks where nothing is known', () => {
  const line = { camera: 'yard', labels: ['absent', 'present'], answers: [3, 2, 0], mean: [] };
  const values = sparkValues({
    lines: [
      {
        ...line,
        most: [
          [1, 1, null],
          [0.2, 0.9, null],
        ],
      },
      {
        ...line,
        answers: [0, 4, 0],
        most: [
          [null, 1, null],
          [null, 0.95, null],
        ],
      },
      { ...line, camera: 'quay', labels: ['absent'], most: [[1, 1, null]] },
    ],
  });
  expect([...values]).toEqual([
    ['yard', [0.2, 0.95, null]],
    ['quay', [0, 0, null]],
  ]);
});
