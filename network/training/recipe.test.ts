import { describe, expect, it } from 'vitest';
import { SeededRandom } from '#network/model/random.ts';
import { augmentationOf } from './augmentation.ts';
import { listRecipes, loadRecipe, parseRecipe } from './recipe.ts';

const recipe = {
  name: 'two-shades',
  description: 'light or dark',
  picture: { channels: 1, height: 4, width: 4 },
  layers: [{ kind: 'dense', units: 2 }],
  training: { epochs: 1, batch: 2, learningRate: 0.1, weightDecay: 0 },
};

describe('Recipe', () => {
  it('reads every recipe that comes along', async () => {
    const names = await listRecipes();
    expect(names).toEqual(expect.arrayContaining(['cryptonets', 'e2dm', 'lenet5']));
    for (const name of names) expect((await loadRecipe(name)).name).toBe(name);
  });

  describe('of a map', () => {
    const map = {
      ...recipe,
      task: 'map',
      labels: ['car', 'person'],
      picture: { channels: 2, height: 80, width: 96, motion: { seconds: 8 } },
      layers: [
        { kind: 'convolution', maps: 4, kernel: 8, stride: 4, padding: 2 },
        { kind: 'square' },
        { kind: 'convolution', maps: 2, kernel: 1 },
      ],
    };
    const parsed = (change: object) => parseRecipe(JSON.stringify({ ...map, ...change }), 'my.json');

    it('is read, and so are those of other tasks', () => {
      expect(parsed({})).toEqual(map);
      for (const task of ['count', 'labels']) parsed({ task, layers: recipe.layers });
    });

    it.each([
      ['no labels', { labels: undefined }, 'labels: a map needs the labels of the boxes'],
      ['a label too few', { labels: ['car'] }, 'layers[2]: the network ends in 2 maps for 1 labels'],
      [
        'units',
        { layers: recipe.layers },
        'layers[0]: a map ends in a convolution with a map for each label',
      ],
      [
        'more cells than an answer has slots',
        { picture: { channels: 1, height: 120, width: 160 } },
        'layers[2]: 2 × 30 × 40 cells are 2400, and an answer holds 1024; use a larger stride or smaller pictures',
      ],
      ['a map that counts', { task: 'count' }, 'layers[2]: a count of 2 labels ends in a dense layer'],
      [
        'motion that is no channel',
        { picture: { ...map.picture, channels: 3 } },
        'picture.motion: expected with 2 or 4',
      ],
      [
        'what it would ignore',
        { training: { ...recipe.training, balance: true } },
        'training.balance is for a classification',
      ],
    ])('is refused with %s', (_, change, message) => {
      expect(() => parsed(change)).toThrow(message);
    });
  });

  it.each([
    ['text that is not JSON', '{', 'my.json is not JSON'],
    ['an unknown layer', { ...recipe, layers: [{ kind: 'tanh' }] }, 'layers.0.kind'],
    ['a misspelt entry', { ...recipe, training: { ...recipe.training, epoch: 3 } }, 'epoch'],
    ['a rate of zero', { ...recipe, training: { ...recipe.training, learningRate: 0 } }, 'learningRate'],
    [
      'a kernel larger than what it sees',
      { ...recipe, layers: [{ kind: 'convolution', maps: 1, kernel: 5 }, ...recipe.layers] },
      'my.json: layers[0]: a kernel of 5 × 5 does not fit into 1 maps of 4 × 4; make it 4 or smaller, or add padding',
    ],
    [
      'windows larger than what they see',
      { ...recipe, layers: [{ kind: 'average', size: 8 }, ...recipe.layers] },
      'layers[0]: windows of 8 × 8 do not fit',
    ],
    [
      'maps after a dense layer',
      { ...recipe, layers: [...recipe.layers, { kind: 'average', size: 2 }] },
      "layers[1]: a 'average' layer needs maps",
    ],
    [
      'a residual block whose shortcut leads nowhere',
      {
        ...recipe,
        layers: [
          { kind: 'residual', layers: [{ kind: 'convolution', maps: 1, kernel: 2, padding: 2 }] },
          ...recipe.layers,
        ],
      },
      'layers[0]: the layers turn 1 maps of 4 × 4 into 1 maps of 7 × 7, which no stride of the shortcut reaches',
    ],
    [
      'a residual block that ends in other units',
      {
        ...recipe,
        layers: [
          { kind: 'dense', units: 3 },
          { kind: 'residual', layers: [{ kind: 'dense', units: 2 }] },
        ],
      },
      'layers[1]: the layers turn 3 units into 2 units',
    ],
    ['a network without an end', { ...recipe, layers: [{ kind: 'square' }] }, 'the last layer must be dense'],
    [
      'other labels than outputs',
      { ...recipe, labels: ['light', 'dark', 'grey'] },
      'the network ends in 2 units for 3 labels; expected one for each',
    ],
    [
      'a polynomial that is a line',
      { ...recipe, layers: [{ kind: 'polynomial', coefficients: [0, 1] }] },
      'layers.0',
    ],
    ['a name with capitals', { ...recipe, name: 'Mine' }, 'expected lower-case letters'],
  ])('refuses %s', (_, value, message) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    expect(() => parseRecipe(text, 'my.json')).toThrow(message);
  });

  it('names what there is', async () => {
    await expect(loadRecipe('e3dm')).rejects.toThrow(/neither a recipe that comes along \(.*e2dm.*\)/);
  });

  it('varies pictures only as it says', () => {
    const plain = parseRecipe(JSON.stringify(recipe), 'x');
    expect(augmentationOf(plain)).toBeUndefined();
    const training = { ...recipe.training, augmentation: { mirror: true } };
    const augment = augmentationOf(parseRecipe(JSON.stringify({ ...recipe, training }), 'x'))!;
    const seen = new Set<number>();
    for (let seed = 0; seed < 20; seed++) {
      const picture = Float32Array.from({ length: 16 }, (_, i) => i % 4);
      augment(picture, new SeededRandom(seed), 0);
      seen.add(picture[0]!);
      expect([...picture.slice(0, 4)].sort()).toEqual([0, 1, 2, 3]);
    }
    expect([...seen].sort()).toEqual([0, 3]);
  });

  it('leaves the share of pictures sharp that it says', () => {
    const training = { ...recipe.training, augmentation: { share: 0.6, shift: 1 } };
    const augment = augmentationOf(parseRecipe(JSON.stringify({ ...recipe, training }), 'x'))!;
    const random = new SeededRandom(1);
    let untouched = 0;
    for (let n = 0; n < 500; n++) {
      const picture = Float32Array.from({ length: 16 }, (_, i) => i * i);
      augment(picture, random, 0);
      if (picture.every((value, i) => value === i * i)) untouched++;
    }
    // 0.4 of 500, three deviations wide.
    expect(Math.abs(untouched - 200)).toBeLessThan(33);
  });
});
