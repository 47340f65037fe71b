import { describe, expect, it } from 'vitest';
import { integer, number, numbers, powerOfTwo } from './parse-option.ts';

describe('ParseOption', () => {
  it('takes numbers, and lists of them', () => {
    expect(integer(0, 9)('7')).toBe(7);
    expect(number('-0.5')).toBe(-0.5);
    expect(numbers('0.485,0.456,0.406')).toEqual([0.485, 0.456, 0.406]);
  });

  it('takes powers of two', () => {
    expect(['1', '2', '64'].map(powerOfTwo(64))).toEqual([1, 2, 64]);
  });

  it.each(['0', '3', '128', '-2', '2.0', ''])('refuses "%s" as a power of two', (text) => {
    expect(() => powerOfTwo(64)(text)).toThrow('a power of two from 1 to 64');
  });

  it.each(['', ' ', 'x', '1e999', 'NaN'])('refuses "%s" as a number', (text) => {
    expect(() => number(text)).toThrow('Expected a number');
    expect(() => numbers(`1,${text}`)).toThrow('Expected a number');
  });

  it.each(['-1', '10', '1.5', '0x1'])('refuses "%s" as a digit', (text) => {
    expect(() => integer(0, 9)(text)).toThrow('from 0 to 9');
  });
});
