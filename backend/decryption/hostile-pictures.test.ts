import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { createEngineInterpreter, encodeProgram, type Interpretation, outputsOf } from '#fhe';
import {
  answerNoise,
  answerNoiseKey,
  createDecryptor,
  createOwnerKeys,
  DEVIATION_SHARE,
  encryptConstants,
  makeEvaluationKeys,
  NOISE_SHARE,
} from '#fhe/secret';
import { compileNetwork } from '#network/compiler/compile.ts';
import { listZoo, loadZooNetwork, type ZooNetwork } from '#network/model/description/zoo.ts';
import { SeededRandom } from '#network/model/random.ts';
import { runGraph } from '#network/model/run/run.ts';
import { readFrames } from '#network/training/datasets/clip.ts';
import type { PictureFormat } from '#vision/picture-format.ts';
import { pictureInput } from '#vision/picture-input.ts';
import { prepareBytes, type RawFrame, type Rectangle } from '#vision/prepare-picture.ts';
import type { ProtectedNetwork } from '../protection/protect-task.ts';
import { type DecryptingSite, drain, makeDecryptingSite } from '../testing/decrypting-site.ts';
import { type RegionAnswer, roundAnswer } from './round-answer.ts';

const CLIP = fileURLToPath(new URL('../../demo/counter/counter.mp4', import.meta.url));
/** A part of the room that the clip shows: the scene of another camera for `counter`, too. */
const CORNER = { x: 0.55, y: 0.5, width: 0.4, height: 0.4 };
const SIZE = { width: 96, height: 54 };

/** A gray frame with a brightness from 0 to 255 at each place. */
function draw(shade: (x: number, y: number) => number): RawFrame {
  const { width, height } = SIZE;
  const data = new Uint8Array(3 * width * height);
  for (let i = 0; i < width * height; i++)
    data.fill(shade(i % width, Math.floor(i / width)), 3 * i, 3 * i + 3);
  return { data, ...SIZE };
}

/** What no camera shows on purpose, by the name of the camera that shows it here. */
function hostileFrames(): Map<string, RawFrame> {
  const random = new SeededRandom(5);
  const lattice = (size: number) => (at: number) => Math.floor(at / size) % 2;
  return new Map([
    ['half-white', draw((x) => (2 * x < SIZE.width ? 255 : 0))],
    ['stripes', draw((x) => 255 * lattice(6)(x))],
    ['slanting', draw((x, y) => 255 * lattice(8)(x + y))],
    ['checkerboard', draw((x, y) => 255 * (lattice(8)(x) ^ lattice(8)(y)))],
    ['noise', draw(() => random.below(256))],
  ]);
}

/** The first frame of a clip: a room with a counter, nobody there. */
async function firstFrame(): Promise<RawFrame> {
  for await (const { frame, size } of readFrames(CLIP)) return { data: frame.slice(), ...size };
  throw new Error(`${CLIP} is empty`);
}

/** What a network sees of a frame. Where it looks at motion, all of it that the frame can have: each byte is what the frame shows there. */
async function prepare(frame: RawFrame, format: PictureFormat, region?: Rectangle): Promise<Float32Array> {
  const shown = await prepareBytes(frame, format, region);
  const { channels, height, width } = format;
  const bytes = Uint8Array.from({ length: channels * height * width }, (_, i) => shown[i % shown.length]!);
  return pictureInput(bytes, format);
}

/** Whether an answer is that of the clear outputs, but for what the encryption scatters: a step of a share, a point that just reaches the threshold. */
function expectAlike(given: RegionAnswer, clear: Float64Array, interpretation: Interpretation): void {
  const exact = roundAnswer(clear, interpretation, { output: 'rounded', step: 0.01 });
  if (exact.task === undefined && given.task === undefined) {
    for (const [label, share] of Object.entries(exact.probabilities!))
      expect(Math.abs(given.probabilities![label]! - share)).toBeLessThan(0.04);
  } else if (exact.task === 'map' && given.task === 'map') {
    for (const [label, count] of Object.entries(exact.counts))
      expect(Math.abs(given.counts[label]! - count)).toBeLessThanOrEqual(1);
  } else throw new Error(`${given.task} for ${exact.task}`);
}

/**
 * What `model protect` makes, but for its self-test, which takes as long as all the rest here; and an engine that runs it as a gateway does.
 */
async function protect(name: string, { graph, metadata, onnx }: ZooNetwork) {
  const compiled = compileNetwork(graph, { ...metadata, name });
  const { program, verified, interpretation } = compiled;
  const { parameters } = verified;
  const keys = await createOwnerKeys(parameters, program.resultRing);
  const material = {
    program: verified,
    publicKey: keys.publicKey,
    constants: await encryptConstants(verified, keys.secretKey, compiled.constants),
    evaluationKeys: await makeEvaluationKeys(verified, keys),
  };
  const engine = await createEngineInterpreter(material, { threads: 1 });
  const { channels, height, width } = program.picture;
  const answer = engine.run(new Float32Array(channels * height * width)).ciphertext;
  const protectedNetwork: ProtectedNetwork = {
    onnx,
    labels: metadata.labels,
    ringDegree: parameters.ringDegree,
    logQP: parameters.logQP,
    parts: [
      { name: 'program', bytes: encodeProgram(program) },
      { name: 'public-key', bytes: material.publicKey },
      { name: 'constants', bytes: material.constants },
      { name: 'evaluation-keys', bytes: material.evaluationKeys },
      { name: 'self-test', bytes: new Uint8Array(1) },
    ],
    secretKey: keys.secretKey,
    resultSecretKey: keys.resultSecretKey ?? null,
    selfTest: { engine: '0'.repeat(64) },
    answerBytes: answer.length,
    interpretation,
  };
  return { protectedNetwork, engine, opener: await createDecryptor(verified, keys) };
}

/** Encryptions of one picture. */
const AGAIN = 6;

/** Standard deviation of the logits, over encryptions of the same picture. */
function scatterOf(runs: readonly Float64Array[], expected: Int32Array): number {
  const squares: number[] = [];
  for (const [slot, index] of expected.entries()) {
    if (index < 0) continue;
    const mean = runs.reduce((sum, run) => sum + run[slot]!, 0) / runs.length;
    for (const run of runs) squares.push((run[slot]! - mean) ** 2);
  }
  const freedom = (squares.length * (runs.length - 1)) / runs.length;
  return Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / freedom);
}

const names = await listZoo();

/** From a frame to what the backend gives out: preparation, encryption, our kernel, decryption, judgement, all real. */
describe('pictures that a bundled network was not trained for', () => {
  let bench: DecryptingSite | undefined;
  afterEach(() => bench?.close());

  it.each(names)(
    '%s answers as in the clear, or its answer is withheld; nothing is refused and nobody in quarantine',
    async (name) => {
      const network: ZooNetwork = await loadZooNetwork(name);
      const { picture } = network.metadata;
      const { protectedNetwork, engine, opener } = await protect(name, network);
      const { interpretation } = protectedNetwork;
      const { range, unit, expected } = interpretation;
      const scattered: Float64Array[] = [];
      const noiseKey = answerNoiseKey(protectedNetwork.resultSecretKey ?? protectedNetwork.secretKey);
      bench = await makeDecryptingSite({ protectedNetwork });
      const clear = new Map<string, Float64Array>();
      const scene = await firstFrame();
      const frames = hostileFrames().set('counter', scene).set('corner', scene);
      let sequence = 0;
      for (const [camera, frame] of frames) {
        const prepared = await prepare(frame, picture, camera === 'corner' ? CORNER : undefined);
        const { ciphertext } = engine.run(prepared);
        const noise = answerNoise(noiseKey, ciphertext, outputsOf(interpretation));
        const logits = runGraph(network.graph, prepared);
        if (camera === 'counter')
          for (let again = 0; again < AGAIN; again++)
            scattered.push(opener.decrypt(engine.run(prepared).ciphertext).map((slot) => slot * unit));
        clear.set(
          camera,
          Float64Array.from(logits, (logit, i) => logit + noise[i]! * NOISE_SHARE * range),
        );
        await bench.put({ camera, sequence: sequence++, ciphertext });
      }
      await engine.close();
      opener.close();
      expect(scatterOf(scattered, expected) / range).toBeLessThan(DEVIATION_SHARE);
      await drain(bench, bench.makeProcessor());

      const answered = new Map(bench.results.map((result) => [result.camera, result]));
      for (const [camera, logits] of clear) {
        const largest = Math.max(...logits.map(Math.abs));
        const result = answered.get(camera);
        // A thousandth of the range is left to noise.
        if (largest < 0.999 * range) expect(result, `${camera}: ${largest}`).toBeDefined();
        if (largest > 1.001 * range) expect(result, `${camera}: ${largest}`).toBeUndefined();
        if (result !== undefined) expectAlike(result, logits, interpretation);
      }
      const counters = await bench.site.store.counters.all();
      expect((counters.accepted ?? 0) + (counters.withheld ?? 0)).toBe(clear.size);
      expect(Object.keys(counters).sort()).toEqual(
        ['accepted', 'withheld'].filter((counter) => counters[counter] !== undefined),
      );
      expect((await bench.site.store.gateways.get('gate'))?.quarantine).toBeNull();
    },
    600_000,
  );
});
