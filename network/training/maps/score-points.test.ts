import { describe, expect, it } from 'vitest';
import { drawCounts, drawPrecisionRecall } from './draw-report.ts';
import { samePoints } from './same-points.ts';
import { meanCountScore, scoreCounts, scorePoints, scoreZones, type Zone } from './score-points.ts';
import { sweepThresholds } from './sweep-thresholds.ts';

const place = (x: number, y: number, kind = 0) => ({ class: kind, x, y, width: 0.1, height: 0.2 });
const point = (x: number, y: number, kind = 0) => ({ class: kind, x, y });

describe('scorePoints', () => {
  it('counts what is right, missed and invented, over all pictures', () => {
    const pictures = [
      // Found, found twice, missed.
      {
        points: [point(0.21, 0.29), point(0.5, 0.5), point(0.51, 0.51)],
        places: [place(0.2, 0.3), place(0.5, 0.5), place(0.8, 0.8)],
      },
      // Beside, of another class.
      { points: [point(0.26, 0.3), point(0.5, 0.5, 1)], places: [place(0.2, 0.3), place(0.5, 0.5)] },
      { points: [], places: [] },
    ];
    const score = scorePoints(pictures, 2);
    expect(score.frames).toBe(3);
    expect(score.precision).toBeCloseTo(2 / 5, 12);
    expect(score.recall).toBeCloseTo(2 / 5, 12);
    expect(score.f1).toBeCloseTo(2 / 5, 12);
    // Errors 0 0, 1 1, 0 0 by class and picture.
    expect(score.countMeanError).toBeCloseTo(2 / 6, 12);
    expect(score.withinOne).toBe(1);
  });

  it('is 1 for those who find everything, and for those who find nothing where nothing is', () => {
    const right = [{ points: [point(0.2, 0.3)], places: [place(0.2, 0.3)] }];
    expect(scorePoints(right, 1)).toMatchObject({ precision: 1, recall: 1, f1: 1, countMeanError: 0 });
    expect(scorePoints([{ points: [], places: [] }], 1)).toMatchObject({ precision: 1, recall: 1, f1: 1 });
    expect(scorePoints([{ points: [], places: right[0]!.places }], 1)).toMatchObject({ recall: 0, f1: 0 });
    expect(scorePoints([{ points: right[0]!.points, places: [] }], 1)).toMatchObject({ precision: 0, f1: 0 });
  });

  it('tells how far counts are off', () => {
    const pairs = [
      { found: [3], there: [3] },
      { found: [2], there: [3] },
      { found: [6], there: [3] },
    ];
    expect(scoreCounts(pairs)).toEqual({ countMeanError: 4 / 3, withinOne: 2 / 3 });
    expect(() => scoreCounts([])).toThrow('no picture');
  });

  it('answers with the mean of before, whatever there is', () => {
    const many = (count: number) => Array.from({ length: count }, () => place(0.5, 0.5));
    expect(meanCountScore([many(2), many(5), many(4)], [many(4), many(1)], 1)).toEqual({
      count: [4],
      countMeanError: 1.5,
      withinOne: 0.5,
    });
  });
});

describe('zones', () => {
  /** Like an L. */
  const corners = [
    [0, 0],
    [0.5, 0],
    [0.5, 0.5],
    [1, 0.5],
    [1, 1],
    [0, 1],
  ] as const;
  const zone: Zone = { name: 'gate', corners };

  it('have counts of their own', () => {
    const pictures = [
      { points: [point(0.2, 0.2), point(0.9, 0.1)], places: [place(0.2, 0.2), place(0.1, 0.9)] },
      { points: [point(0.2, 0.2)], places: [place(0.2, 0.2)] },
    ];
    expect(scoreZones(pictures, 1, [zone])).toEqual([
      { name: 'gate', countMeanError: 0.5, withinOne: 1, meanFound: 1, meanThere: 1.5 },
    ]);
  });
});

describe('samePoints', () => {
  const cell = (row: number, column: number, kind = 0) => ({ class: kind, row, column });
  it.each([
    [[], [], true],
    [[cell(3, 4)], [cell(4, 3)], true],
    [[cell(3, 4)], [cell(5, 4)], false],
    [[cell(3, 4)], [cell(3, 4, 1)], false],
    [[cell(3, 4)], [cell(3, 4), cell(9, 9)], false],
    [[cell(3, 4), cell(9, 9)], [cell(9, 8), cell(3, 4)], true],
  ])('%j and %j: %j', (one, other, same) => {
    expect(samePoints(one, other)).toBe(same);
    expect(samePoints(other, one)).toBe(same);
  });
});

describe('sweepThresholds', () => {
  const decoding = { height: 4, width: 5, classes: 1, threshold: 9, smoothing: 0, distance: 1, most: 64 };
  const outputs = [new Float64Array(20), new Float64Array(20)];
  outputs[0]![0] = 1;
  outputs[0]![14] = 0.5;
  outputs[1]![7] = 0.8;
  const places = [[place(0.1, 0.125)], [place(0.5, 0.375)]];
  const sweep = sweepThresholds(outputs, places, decoding);

  it('trades precision for recall', () => {
    const at = (threshold: number) => sweep.find((one) => one.threshold >= threshold)!;
    expect(at(0.3)).toMatchObject({ precision: 2 / 3, recall: 1 });
    expect(at(0.6)).toMatchObject({ precision: 1, recall: 1 });
    expect(at(0.9)).toMatchObject({ precision: 1, recall: 0.5 });
    expect(sweep.map(({ threshold }) => threshold)).toEqual(
      sweep.map(({ threshold }) => threshold).toSorted((a, b) => a - b),
    );
  });

  it('is drawn, and so are counts', () => {
    const svg = drawPrecisionRecall(
      sweep,
      { chosen: sweep[20]!, baseline: { precision: 0.5, recall: 0.2 } },
      'a < b',
    );
    expect(svg).toContain('a &lt; b');
    expect(svg.match(/<circle /g)).toHaveLength(2);
    expect(svg).not.toContain('NaN');
    const counts = [0, 1, 2].map((i) => ({ frame: 100 + i, there: i, found: 1 }));
    const drawn = drawCounts(counts, 'counts');
    const lines = [...drawn.matchAll(/points="([^"]*)"/g)].map(([, points]) => points!.split(' '));
    expect(lines.map(({ length }) => length)).toEqual([5, 5]);
    expect(drawn).not.toContain('NaN');
    expect(drawCounts(counts.slice(0, 1), 'one')).not.toContain('NaN');
  });
});
