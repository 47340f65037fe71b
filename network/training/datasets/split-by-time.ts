import { NetworkError } from '#network/errors.ts';
import { type Dataset, selectPictures } from '#network/model/dataset.ts';
import type { ClipDataset } from './clip.ts';

/**
 * Earlier and later part of a clip, by frame number: neighbouring frames are near-duplicates, so a shuffled split would test on training data.
 *
 * @param share of the clip, from its start, that is trained on: 0 to 1, exclusive.
 * @throws NetworkError NETWORK_DATA if a part would be empty.
 */
export function splitByTime(
  all: ClipDataset,
  share: number,
): { training: Dataset; test: Dataset; testFrames: number[] } {
  const border = Math.floor(share * ((all.frames.at(-1) ?? 0) + 1));
  const indices = [...all.frames.keys()];
  const earlier = indices.filter((i) => all.frames[i]! < border);
  const later = indices.filter((i) => all.frames[i]! >= border);
  if (earlier.length === 0 || later.length === 0) {
    throw new NetworkError(
      'NETWORK_DATA',
      `splitting ${all.frames.length} frames at ${share} leaves a part empty`,
    );
  }
  return {
    training: selectPictures(all, earlier),
    test: selectPictures(all, later),
    testFrames: later.map((i) => all.frames[i]!),
  };
}
