import { describe, expect, it } from 'vitest';
import { confusionAccuracy, confusionTable, countConfusion } from './confusion.ts';

describe('Confusion', () => {
  it('counts answers by truth', () => {
    const confusion = countConfusion([1, 0, 0, 1, 2, 3, 5, 4], [0, 0, 1, 1], 2);
    expect(confusion).toEqual([
      [1, 1],
      [1, 1],
    ]);
    expect(confusionAccuracy(confusion)).toBe(0.5);
    expect(confusionTable(confusion, ['no', 'yes']).split('\n')[2]).toBe('| **no** | 1 | 1 |');
  });
});
