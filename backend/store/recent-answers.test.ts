import { describe, expect, it } from 'vitest';
import { NO_ANSWERS, noteAnswer, type RecentAnswers } from './recent-answers.ts';

/** @param ends `x` withheld, anything else answered */
const ended = (ends: string, before: RecentAnswers = NO_ANSWERS) =>
  [...ends].reduce((recent, end, index) => noteAnswer(recent, end === 'x', index), before);

describe('the newest answers of a camera', () => {
  it('are unusual from eight withheld among twenty on, whatever comes between', () => {
    expect(ended('xxxxxxx').unusualSinceMs).toBeNull();
    expect(ended('xxxxxxxx').unusualSinceMs).toBe(7);
    expect(ended('x.x.x.x.x.x.x.x').unusualSinceMs).toBe(14);
    expect(ended('xxxxxxx.............x').unusualSinceMs, 'the first one is forgotten').toBeNull();
  });

  it('are usual again once at most three of them are withheld', () => {
    const unusual = ended('xxxxxxxx');
    expect(ended('x'.repeat(50), unusual).unusualSinceMs, 'the first moment stays').toBe(7);
    expect(ended('.'.repeat(16), unusual).unusualSinceMs).toBe(7);
    expect(ended('.'.repeat(17), unusual)).toEqual({ ends: `xxx${'.'.repeat(17)}`, unusualSinceMs: null });
  });

  it('do not change while all are answered', () => {
    const calm = ended('.'.repeat(20));
    expect(noteAnswer(calm, false, 99)).toEqual(calm);
  });
});
