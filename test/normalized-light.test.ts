import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { InterpreterHost } from '#agent/inference/interpreter-host.ts';
import { CameraViews } from '#agent/privacy/camera-views.ts';
import { PrivacyFilter } from '#agent/privacy/privacy-filter.ts';
import { deployModel } from '#backend/operations/deploy-model.ts';
import { protectModel } from '#backend/operations/protect-model.ts';
import { SeededRandom } from '#network/model/random.ts';
import { prepareFrame } from '#network/training/datasets/clip.ts';
import { normalizePictures } from '#network/training/datasets/normalize-dataset.ts';
import { parseRecipe } from '#network/training/recipe.ts';
import { trainRecipe } from '#network/training/train-network.ts';
import { decodeManifest } from '#protocol/manifest.ts';
import { pictureInputs } from '#vision/picture-input.ts';
import { enrolTestGateway, makeTestSite, type TestSite } from '../backend/testing/test-site.ts';

const PICTURE = { channels: 1, height: 6, width: 6 };
const FORMAT = { ...PICTURE, light: 'normalize' } as const;

let site: TestSite;
beforeAll(async () => {
  site = await makeTestSite();
  await enrolTestGateway(site, 'gate');
});
afterAll(() => site.close());

/** Trains, protects and deploys a network that wants light normalized. @returns its bundle, as a gateway opens it. */
async function deployed(): Promise<InterpreterHost> {
  const recipe = parseRecipe(
    JSON.stringify({
      name: 'shades',
      description: 'bright or dark at the top',
      picture: FORMAT,
      layers: [{ kind: 'dense', units: 4 }, { kind: 'square' }, { kind: 'dense', units: 2 }],
      training: { epochs: 1, batch: 8, learningRate: 0.05, weightDecay: 0 },
    }),
    'shades.json',
  );
  const random = new SeededRandom(1);
  const dataset = {
    picture: PICTURE,
    labels: ['bright', 'dark'],
    pictures: Float32Array.from({ length: 40 * 36 }, () => Math.round(255 * random.uniform()) / 255),
    classes: Uint8Array.from({ length: 40 }, (_, index) => index % 2),
  };
  const out = join(site.dataDirectory, 'shades');
  await trainRecipe({ recipe, training: dataset, test: dataset, out, seed: 1, command: 'none' });
  await protectModel({ site, network: join(out, 'shades.onnx') });

  const { manifest } = decodeManifest(
    (await deployModel({ site, model: 'shades', gateway: 'gate' })).manifest,
  );
  const directory = join(site.dataDirectory, 'gateway');
  await mkdir(directory, { recursive: true });
  for (const part of manifest.parts)
    await writeFile(join(directory, part.name), await site.blobs.get(part.sha256));
  const bundle = { digest: '', directory, manifest };
  return InterpreterHost.open({ bundle, kind: 'reference', threads: 1, selfTest: true });
}

it('is kept from training through protection and bundle to the gateway, which prepares the same values', async () => {
  const size = { width: 40, height: 30 };
  const data = Uint8Array.from({ length: 40 * 30 * 3 }, (_, index) => 60 + ((index * 7) % 91));
  const given = await prepareFrame(data, size, PICTURE);
  const trained = given.slice();
  normalizePictures(trained, FORMAT);
  expect(trained).not.toEqual(given);

  const gateway = await deployed();
  const frame = new PrivacyFilter([]).apply({ ...size, data, timeMs: 0, number: 1 });
  const prepared = await new CameraViews().prepare(frame, gateway.picture, [undefined], 1);
  expect(pictureInputs(prepared, gateway.picture, 1)).toEqual(trained);
  await gateway.close();
});
