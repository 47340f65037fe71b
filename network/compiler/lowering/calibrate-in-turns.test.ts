import { describe, expect, it } from 'vitest';
import { convolutionalGraph, randomPictures } from '#network/testing/small-graphs.ts';
import { calibrateInTurns } from './calibrate-in-turns.ts';
import { calibrateSteps } from './calibrate-steps.ts';
import { lowerSteps } from './lower-steps.ts';

const network = lowerSteps(convolutionalGraph(1));
const pictures = Float32Array.from(randomPictures(4, 45, 99).flatMap((picture) => [...picture]));

describe('CalibrateInTurns', () => {
  it('finds what one long turn finds, wherever the largest value stands', async () => {
    const shares: number[] = [];
    const found = await calibrateInTurns(network, pictures, { onProgress: (done) => shares.push(done) });
    expect(found).toEqual(calibrateSteps(network, pictures));
    expect(shares).toEqual([20 / 45, 40 / 45, 1]);
    const last = pictures.map((value, i) => (i >= 44 * 99 ? 10 * value : value));
    expect(await calibrateInTurns(network, last)).toEqual(calibrateSteps(network, last));
  });

  it('stops when it is asked to', async () => {
    const stop = new AbortController();
    const onProgress = () => stop.abort(new Error('enough'));
    await expect(calibrateInTurns(network, pictures, { signal: stop.signal, onProgress })).rejects.toThrow(
      'enough',
    );
  });
});
