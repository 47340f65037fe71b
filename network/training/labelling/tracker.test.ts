import { describe, expect, it } from 'vitest';
import { overlapOf, Tracker } from './tracker.ts';

const box = (x: number, y: number) => ({ x, y, width: 10, height: 20 });

describe('Tracker', () => {
  it('follows two things that pass one another, and fills gaps evenly', () => {
    const tracker = new Tracker({ minFrames: 5, gap: 3 });
    for (let frame = 0; frame < 20; frame++) {
      const right = box(4 * frame, 0);
      const left = box(80 - 4 * frame, 14);
      // The second is missed for two frames, and for the first there is another order of boxes from then on.
      if (frame === 7 || frame === 8) tracker.add(frame, [right]);
      else tracker.add(frame, frame < 7 ? [right, left] : [left, right]);
    }
    const boxes = tracker.boxes();
    expect(boxes).toHaveLength(40);
    expect(boxes.filter(({ track }) => track === 1).map(({ x, y }) => [x, y])).toEqual(
      Array.from({ length: 20 }, (_, frame) => [4 * frame, 0]),
    );
    const second = boxes.filter(({ track }) => track === 2);
    expect(second.map(({ frame }) => frame)).toEqual(Array.from({ length: 20 }, (_, frame) => frame));
    for (const { frame, x, y } of second) {
      expect(x).toBeCloseTo(80 - 4 * frame, 9);
      expect(y).toBe(14);
    }
  });

  it('leaves out what is seen too seldom, and begins anew after too long a gap', () => {
    const tracker = new Tracker({ minFrames: 3, gap: 2 });
    for (let frame = 0; frame < 30; frame++) {
      const seen = frame < 10 || (frame > 12 && frame < 20);
      tracker.add(frame, [
        ...(seen ? [box(0, 0)] : []),
        ...(frame === 4 || frame === 5 ? [box(50, 50)] : []),
      ]);
    }
    const frames = (wanted: number) =>
      tracker
        .boxes()
        .filter(({ track }) => track === wanted)
        .map(({ frame }) => frame);
    expect(frames(1)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(frames(2)).toEqual([13, 14, 15, 16, 17, 18, 19]);
    expect(tracker.boxes()).toHaveLength(17);
  });

  it('measures overlap as intersection over union', () => {
    expect(overlapOf(box(0, 0), box(0, 0))).toBe(1);
    expect(overlapOf(box(0, 0), box(5, 10))).toBeCloseTo(50 / 350, 12);
    expect(overlapOf(box(0, 0), box(10, 0))).toBe(0);
  });
});
