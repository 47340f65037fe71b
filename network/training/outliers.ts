import type { SeededRandom } from '#network/model/random.ts';
import type { PictureFormat } from '#vision/picture-format.ts';

/** Brightness at a position, both from 0 to 1. */
type Shade = (x: number, y: number) => number;

/** Two shades with a clear step between them, either of them the brighter. */
function twoShades(random: SeededRandom): [number, number] {
  const dark = random.uniform(0, 0.6);
  const bright = random.uniform(dark + 0.15, 1);
  return random.below(2) === 0 ? [dark, bright] : [bright, dark];
}

/** Position along a direction: across, down, or any other. */
function direction(random: SeededRandom): Shade {
  const kind = random.below(3);
  const angle = kind === 0 ? 0 : kind === 1 ? Math.PI / 2 : random.uniform(0, Math.PI);
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  return (x, y) => (x - 0.5) * cosine + (y - 0.5) * sine + 0.5;
}

/** One part of the picture in one shade, the rest in another. */
function halves(random: SeededRandom): Shade {
  const [first, second] = twoShades(random);
  const along = direction(random);
  const border = random.below(2) === 0 ? 0.5 : random.uniform(0.15, 0.85);
  return (x, y) => (along(x, y) < border ? first : second);
}

/** Stripes, hard or soft, from two to some thirty of them. */
function stripes(random: SeededRandom): Shade {
  const [first, second] = twoShades(random);
  const along = direction(random);
  const waves = Math.exp(random.uniform(0, Math.log(16)));
  const phase = random.uniform();
  const soft = random.below(2) === 0;
  return (x, y) => {
    const wave = Math.sin(2 * Math.PI * (waves * along(x, y) + phase));
    const part = soft ? (1 + wave) / 2 : wave < 0 ? 0 : 1;
    return first + (second - first) * part;
  };
}

function checkerboard(random: SeededRandom): Shade {
  const [first, second] = twoShades(random);
  const across = 1 + random.below(28);
  const down = random.below(2) === 0 ? across : 1 + random.below(28);
  const [left, top] = [random.uniform(), random.uniform()];
  return (x, y) => ((Math.floor(across * x + left) + Math.floor(down * y + top)) % 2 === 0 ? first : second);
}

/** A gradient of light. */
function gradient(random: SeededRandom): Shade {
  const [first, second] = twoShades(random);
  const along = direction(random);
  return (x, y) => first + (second - first) * Math.min(1, Math.max(0, along(x, y)));
}

/** Round or boxed things of any shade before a slope of light: a place that no camera of ours has seen. */
function scene(random: SeededRandom): Shade {
  const ground = random.below(2) === 0 ? gradient(random) : halves(random);
  const things = Array.from({ length: 1 + random.below(12) }, () => ({
    x: random.uniform(-0.1, 1.1),
    y: random.uniform(-0.1, 1.1),
    width: Math.exp(random.uniform(Math.log(0.03), Math.log(0.5))),
    height: Math.exp(random.uniform(Math.log(0.03), Math.log(0.5))),
    shade: random.uniform(),
    round: random.below(2) === 0,
  }));
  return (x, y) => {
    let shade = ground(x, y);
    for (const thing of things) {
      const dx = Math.abs(x - thing.x) / thing.width;
      const dy = Math.abs(y - thing.y) / thing.height;
      if (thing.round ? dx * dx + dy * dy < 1 : dx < 1 && dy < 1) shade = thing.shade;
    }
    return shade;
  };
}

const SHADES = [halves, stripes, checkerboard, gradient, scene, scene];

/** Each value drawn separately, around a mean, or only black and white. */
function drawNoise(picture: Float32Array, random: SeededRandom): void {
  const strength = random.uniform(0.05, 0.6);
  const mean = random.uniform(0.2, 0.8);
  const kind = random.below(3);
  for (let i = 0; i < picture.length; i++) {
    const value =
      kind === 0
        ? mean + strength * random.normal()
        : kind === 1
          ? random.uniform()
          : random.uniform() < mean
            ? 1
            : 0;
    picture[i] = Math.min(1, Math.max(0, value));
  }
}

/**
 * Replaces a picture by something that no training camera shows: two halves, stripes, a checkerboard, a gradient of light, noise, an
 * invented scene. Networks that learn to have no opinion on these keep their outputs small when a lens is covered, a lamp shines in or
 * the camera has been turned.
 */
export function drawOutlier(picture: Float32Array, size: PictureFormat, random: SeededRandom): void {
  const kind = random.below(SHADES.length + 1);
  if (kind === SHADES.length) {
    drawNoise(picture, random);
    return;
  }
  const shade = SHADES[kind]!(random);
  const noise = random.uniform(0, 0.05);
  const { channels, height, width } = size;
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const value = shade((x + 0.5) / width, (y + 0.5) / height) + noise * random.normal();
        picture[(c * height + y) * width + x] = Math.min(1, Math.max(0, value));
      }
    }
  }
}

/** A lamp or its reflection: a blob of light of any place and size, with maximum brightness in its middle. */
export function drawLamp(picture: Float32Array, size: PictureFormat, random: SeededRandom): void {
  const { channels, height, width } = size;
  const [x0, y0] = [random.uniform(0, width), random.uniform(0, height)];
  const radius = random.uniform(0.04, 0.2) * Math.hypot(height, width);
  const strength = random.uniform(0.4, 1.5);
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const at = (c * height + y) * width + x;
        const light = strength * Math.exp(-((x - x0) ** 2 + (y - y0) ** 2) / (radius * radius));
        picture[at] = Math.min(1, picture[at]! + light);
      }
    }
  }
}
