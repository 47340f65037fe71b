import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { answerNoise, answerNoiseKey, leakOfHonestAnswer } from './answer-noise.ts';

const key = answerNoiseKey(new Uint8Array(64).fill(5));

describe('answerNoise', () => {
  it('is normal, with mean 0 and variance 1, and one number tells nothing of the next', () => {
    const all = answerNoise(key, new Uint8Array(randomBytes(100)), 200_001);
    expect(all.length).toBe(200_001);
    const moment = (power: number) => all.reduce((sum, x) => sum + x ** power, 0) / all.length;
    // Five standard errors each.
    expect(Math.abs(moment(1))).toBeLessThan(0.0112);
    expect(Math.abs(moment(2) - 1)).toBeLessThan(0.0158);
    expect(Math.abs(moment(3))).toBeLessThan(0.0433);
    expect(Math.abs(moment(4) - 3)).toBeLessThan(0.11);
    for (const lag of [1, 2]) {
      let product = 0;
      for (let i = lag; i < all.length; i++) product += all[i]! * all[i - lag]!;
      expect(Math.abs(product / all.length)).toBeLessThan(0.0112);
    }
  });

  it('is the same for the same ciphertext, so that it cannot be averaged out, and another for any other', () => {
    const ciphertext = new Uint8Array(randomBytes(1000));
    expect(answerNoise(key, ciphertext, 3)).toEqual(answerNoise(key, Uint8Array.from(ciphertext), 3));
    const changed = Uint8Array.from(ciphertext, (byte, i) => (i === 999 ? byte ^ 1 : byte));
    expect(answerNoise(key, changed, 3)).not.toEqual(answerNoise(key, ciphertext, 3));
    const other = answerNoiseKey(new Uint8Array(64).fill(6));
    expect(answerNoise(other, ciphertext, 3)).not.toEqual(answerNoise(key, ciphertext, 3));
  });

  it('leaves a few hundred-thousandths of a bit to whoever shows pictures at the border of two answers', () => {
    expect(leakOfHonestAnswer(2)).toBeCloseTo(5.6e-5, 6);
    expect(leakOfHonestAnswer(20)).toBeCloseTo(5.6e-4, 5);
  });
});
