import { expect, it } from 'vitest';
import { SQUARE_FINDER, squareFinder } from '#network/testing/square-finder.ts';
import { scorePoints } from '#network/training/maps/score-points.ts';
import { clipEvaluationText } from './clip-report.ts';
import { evaluateMap } from './evaluate-map.ts';

const map = { height: 2, width: 3 };
const decoding = { ...SQUARE_FINDER.decoding, ...map, classes: 1, distance: 1 };
const picture = { channels: 1, height: 8, width: 12 };
const FRAMES = 12;

/** Grey, with white in cell n % 3 of the upper row. */
const pictures = Float32Array.from({ length: FRAMES * 96 }, (_, i) => {
  const [frame, pixel] = [Math.floor(i / 96), i % 96];
  const white = pixel < 48 && Math.floor((pixel % 12) / 4) === frame % 3;
  return white ? 1 : 128 / 255;
});
const places = Array.from({ length: FRAMES }, (_, frame) => [
  { class: 0, x: ((frame % 3) + 0.5) / 3, y: 0.25, width: 1 / 3, height: 0.5 },
]);
const dataset = { picture, labels: ['thing'], pictures, places };
const { activationRanges: activations, logitRange: logits } = SQUARE_FINDER;
const request = {
  network: { name: 'finder', ranges: { activations, logits } },
  graph: squareFinder(map),
  ...{ decoding, dataset, engine: 'clear' as const },
};

it('stops between two frames, and tells in tables what it has, nothing of encryption where there is none', async () => {
  const controller = new AbortController();
  const result = await evaluateMap({
    ...request,
    signal: controller.signal,
    onProgress: ({ step, done }) => void (step === 'measuring' && done === 7 && controller.abort()),
  });
  expect(result).toMatchObject({ agreement: 1, score: { frames: 7, f1: 1, countMeanError: 0 }, withheld: 0 });
  const nothing = scorePoints([{ points: [], places: places[0]! }], 1);
  const text = clipEvaluationText({
    ...{ ...result, decoding, labels: ['thing'], firstFrame: 5, places: places.slice(0, 7), zones: [] },
    baselines: {
      meanCount: { count: [1], countMeanError: 0, withinOne: 1 },
      backgroundSubtraction: nothing,
    },
  });
  expect(text).toContain('| as program | 1.000 | 1.000 | 1.000 | 0.00 | 100.00 % |\n');
  expect(text).toContain('| background subtraction | 1.000 | 0.000 | 0.000 | 1.00 | 100.00 % |\n');
  expect(text).toContain('| frames | 7, from frame 5 on |');
  expect(text).not.toMatch(/crypt|bundle|security/i);
});

it('finds nothing in answers that a decryptor would withhold, and counts them', async () => {
  const ranges = { activations, logits: logits / 2 };
  const result = await evaluateMap({ ...request, network: { name: 'finder', ranges } });
  expect(result).toMatchObject({
    withheld: FRAMES,
    agreement: 0,
    score: { recall: 0 },
    clear: { recall: 1 },
  });
});
