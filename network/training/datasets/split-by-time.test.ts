import { describe, expect, it } from 'vitest';
import { splitByTime } from './split-by-time.ts';

const clip = {
  picture: { channels: 1, height: 1, width: 1 },
  labels: ['a', 'b'],
  pictures: Float32Array.of(0, 1, 2, 3, 4),
  classes: Uint8Array.of(0, 1, 0, 1, 0),
  // Frames 3 to 7 were skipped.
  frames: [0, 1, 2, 8, 9],
};

describe('SplitByTime', () => {
  it('splits by frame number, not by count', () => {
    const { training, test, testFrames } = splitByTime(clip, 0.6);
    expect([...training.pictures]).toEqual([0, 1, 2]);
    expect([...test.pictures]).toEqual([3, 4]);
    expect([...test.classes]).toEqual([1, 0]);
    expect(testFrames).toEqual([8, 9]);
  });

  it('refuses an empty part', () => {
    expect(() => splitByTime(clip, 0.05)).toThrow('leaves a part empty');
    expect(() => splitByTime({ ...clip, frames: [], classes: new Uint8Array() }, 0.5)).toThrow('empty');
  });
});
