import { expect, it } from 'vitest';
import { readTrainingPictures, type TrainingSource } from './training-pictures.ts';

const region = { x: 0, y: 0, width: 1, height: 1 };
const idx = { images: 'i', labels: 'l' };

it.each<[string, TrainingSource, string]>([
  ['two kinds of pictures', { ...idx, pictures: 'p' }, 'one of --images, --pictures and --clip'],
  ['labels beside folders', { pictures: 'p', labels: 'l' }, '--labels does not go with --pictures'],
  ['labels alone', { labels: 'l' }, '--labels goes with --images or --clip'],
  ['two kinds of classes', { clip: 'c', labels: 'l', boxes: 'b', region }, 'either --labels or --boxes'],
  ['boxes without a clip', { images: 'i', boxes: 'b' }, '--boxes goes with --clip'],
  ['a region without a clip', { ...idx, region }, '--region goes with --clip'],
  ['a share without a clip', { pictures: 'p', trainShare: 0.6 }, '--train-share goes with --clip'],
  ['test pictures without their classes', { ...idx, testImages: 't' }, '--test-images and --test-labels go'],
  [
    'test files beside folders',
    { pictures: 'p', testImages: 't', testLabels: 't' },
    '--test-images goes with',
  ],
  ['test folders beside files', { ...idx, testPictures: 't' }, '--test-pictures goes with --pictures'],
  ['nothing at all', {}, 'nothing to learn from'],
])('refuses %s, instead of ignoring a part of it', async (_, source, message) => {
  const picture = { channels: 1, height: 4, width: 4 } as const;
  const labels = ['absent', 'present'];
  const read = readTrainingPictures({ labels, picture }, source, {
    seed: 1,
    signal: new AbortController().signal,
  });
  await expect(read).rejects.toMatchObject({
    code: 'NETWORK_TRAINING',
    message: expect.stringContaining(message),
  });
});
