import { describe, expect, it } from 'vitest';
import { regionPixels } from './prepare-picture.ts';

describe('regionPixels', () => {
  it('stays inside and never becomes empty', () => {
    expect(regionPixels({ x: 0.999, y: 0, width: 0.001, height: 1 }, 10, 10)).toEqual({
      left: 9,
      top: 0,
      width: 1,
      height: 10,
    });
  });
});
