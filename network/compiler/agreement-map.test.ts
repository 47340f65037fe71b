import { expect, it } from 'vitest';
import {
  checkParameters,
  createEngineInterpreter,
  createReferenceInterpreter,
  type InterpreterMaterial,
} from '#fhe';
import { runClear } from '#fhe/design';
import { createDecryptor, createOwnerKeys, encryptConstants, makeEvaluationKeys } from '#fhe/secret';
import { Workspace } from '#network/model/kernel/workspace.ts';
import { SeededRandom } from '#network/model/random.ts';
import { randomPictures } from '#network/testing/small-graphs.ts';
import { exportGraph } from '#network/training/export.ts';
import { TrainableNetwork } from '#network/training/trainable-network.ts';
import { decodeMap } from '#vision/decode-map.ts';
import { compileNetwork } from './compile.ts';
import { interpretationError } from './interpretation-error.ts';
import { calibrateSteps } from './lowering/calibrate-steps.ts';
import { lowerSteps } from './lowering/lower-steps.ts';
import { runSteps } from './lowering/run-steps.ts';

const picture = { channels: 2, height: 24, width: 32 };
const motion = { seconds: 10 };
const map = { height: 6, width: 8 };
const decoding = { threshold: 0.3, smoothing: 0, distance: 1, most: 64 };
const CELLS = 2 * map.height * map.width;

it('answers with the map of the clear network in all three interpreters, slot by slot and point by point', async () => {
  const workspace = await Workspace.create(2 ** 22);
  const network = new TrainableNetwork({ workspace, random: new SeededRandom(7), batch: 1 }, picture, [
    { kind: 'convolution', maps: 4, kernel: 8, stride: 4, padding: 2 },
    { kind: 'square' },
    { kind: 'convolution', maps: 4, kernel: 3, padding: 1 },
    { kind: 'square' },
    { kind: 'convolution', maps: 2, kernel: 3, padding: 1 },
  ]);
  const graph = exportGraph(network, 'squares');
  const steps = lowerSteps(graph);
  const pictures = randomPictures(5, 12, 2 * 24 * 32);
  const ranges = calibrateSteps(steps, Float32Array.from(pictures.flatMap((one) => [...one])));
  const { verified, constants, interpretation } = compileNetwork(graph, {
    ...{ labels: ['car', 'person'], task: 'map', map, decoding, picture: { motion } },
    activationRanges: ranges.activations,
    logitRange: ranges.logits,
  });
  const { program } = verified;
  expect(program.picture).toEqual({ ...picture, motion });
  // One answer of the small ring holds every cell.
  expect(program.resultRing?.ringDegree).toBe(2048);
  expect(new Set(interpretation.expected.filter((index) => index >= 0)).size).toBe(CELLS);
  expect(interpretation).toMatchObject({ task: 'map', map, decoding });

  const keys = await createOwnerKeys(checkParameters(program.parameters), program.resultRing);
  const material: InterpreterMaterial = {
    program: verified,
    constants: await encryptConstants(verified, keys.secretKey, constants),
    publicKey: keys.publicKey,
    evaluationKeys: await makeEvaluationKeys(verified, keys),
  };
  const decryptor = await createDecryptor(verified, keys);
  const shown = pictures[0]!;
  const truth = runSteps(steps, shown);
  const points = (values: ArrayLike<number>) => decodeMap(values, { ...map, classes: 2, ...decoding }).points;
  expect(points(truth).length).toBeGreaterThan(2);

  const clear = interpretationError(runClear(verified, constants, shown), interpretation, truth);
  expect(Math.max(clear.logitError, clear.emptySlot) / interpretation.range).toBeLessThan(1e-6);
  for (const opening of [
    createEngineInterpreter(material, { threads: 1 }),
    createReferenceInterpreter(material),
  ]) {
    const interpreter = await opening;
    const slots = decryptor.decrypt(interpreter.run(shown).ciphertext);
    const { logits, logitError, emptySlot } = interpretationError(slots, interpretation, truth);
    expect(Math.max(logitError, emptySlot) / interpretation.range, interpreter.kind).toBeLessThan(2 ** -10);
    const places = (values: ArrayLike<number>) => points(values).map(({ row, column }) => [row, column]);
    expect(places(logits)).toEqual(places(truth));
    await interpreter.close();
  }
  decryptor.close();
});
