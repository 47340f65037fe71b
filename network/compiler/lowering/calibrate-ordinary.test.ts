import { describe, expect, it } from 'vitest';
import { convolutionalGraph, randomPictures } from '#network/testing/small-graphs.ts';
import { calibrateOrdinary } from './calibrate-ordinary.ts';
import { calibrateSteps } from './calibrate-steps.ts';
import { lowerSteps } from './lower-steps.ts';

const network = lowerSteps(convolutionalGraph(1));
const COUNT = 200;
const SIZE = 99;
const pictures = Float32Array.from(randomPictures(4, COUNT, SIZE).flatMap((picture) => [...picture]));

/** The pictures, the first few of them so many times as bright. */
function brighter(few: number, factor: number): Float32Array {
  return pictures.map((value, i) => (i < few * SIZE ? factor * value : value));
}

describe('CalibrateOrdinary', () => {
  it('finds what all pictures need where none is far from the others', async () => {
    const shares: number[] = [];
    const found = await calibrateOrdinary(network, pictures, { onProgress: (done) => shares.push(done) });
    expect(found).toEqual({ ranges: calibrateSteps(network, pictures), leftOut: 0 });
    expect(shares).toEqual([20, 40, 60, 80, 100, 120, 140, 160, 180, 200].map((done) => done / COUNT));
  });

  it('leaves out few that are far, but not what more than one in a hundred show', async () => {
    const rest = calibrateSteps(network, pictures.subarray(2 * SIZE));
    expect(await calibrateOrdinary(network, brighter(2, 100))).toEqual({ ranges: rest, leftOut: 2 });
    const three = brighter(3, 100);
    expect(await calibrateOrdinary(network, three)).toEqual({
      ranges: calibrateSteps(network, three),
      leftOut: 0,
    });
  });

  it('stops when it is asked to', async () => {
    const stop = new AbortController();
    const onProgress = () => stop.abort(new Error('enough'));
    await expect(calibrateOrdinary(network, pictures, { signal: stop.signal, onProgress })).rejects.toThrow(
      'enough',
    );
  });
});
