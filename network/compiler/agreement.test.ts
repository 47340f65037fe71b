import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  checkParameters,
  createEngineInterpreter,
  createReferenceInterpreter,
  type Interpreter,
  verifyProgram,
} from '#fhe';
import {
  createDecryptor,
  createOwnerKeys,
  encryptConstants,
  interpretSlots,
  makeEvaluationKeys,
} from '#fhe/secret';
import type { NetworkDescription } from '#network/model/description/network-description.ts';
import { loadZooNetwork } from '#network/model/description/zoo.ts';
import { prepareFrame, readFrameLabels, readFrames } from '#network/training/datasets/clip.ts';
import { normalizePictures } from '#network/training/datasets/normalize-dataset.ts';
import { splitByTime } from '#network/training/datasets/split-by-time.ts';
import { measureAgreement } from './agreement.ts';
import { compileNetwork } from './compile.ts';
import { lowerSteps } from './lowering/lower-steps.ts';

/**
 * Every test run puts a sample through the engine, and its first frame through the much slower reference interpreter, too. The figures
 * of the card come from the reference alone: `BLINDSIGHT_AGREEMENT_FRAMES=300 npx vitest run network/compiler/agreement.test.ts`, which
 * rewrites agreement.md.
 */
const FRAMES = Number(process.env.BLINDSIGHT_AGREEMENT_FRAMES ?? 6);
const REFERENCE_FRAMES = Number(process.env.BLINDSIGHT_AGREEMENT_FRAMES ?? 1);
const REWRITE = process.env.BLINDSIGHT_AGREEMENT_FRAMES !== undefined;

const folder = fileURLToPath(new URL('../../demo/counter/', import.meta.url));
const card = fileURLToPath(new URL('../zoo/counter/agreement.md', import.meta.url));

/** Frames evenly spread over the later part of the clip, so that both labels occur. */
async function testPictures(
  count: number,
  { labels, picture }: Required<Pick<NetworkDescription, 'labels' | 'picture'>>,
): Promise<Float32Array[]> {
  const names = await readFrameLabels(`${folder}presence.csv`);
  const frames = [...names.keys()].filter((frame) => labels.includes(names[frame]!));
  // One value stands for each picture: preparing unused ones would take most of the time.
  const { testFrames } = splitByTime(
    {
      picture: { channels: 1, height: 1, width: 1 },
      labels,
      pictures: new Float32Array(frames.length),
      classes: Uint8Array.from(frames, (frame) => labels.indexOf(names[frame]!)),
      frames,
    },
    0.6,
  );
  const chosen = Array.from(
    { length: count },
    (_, i) => testFrames[Math.floor(((i + 0.5) * testFrames.length) / count)]!,
  );
  const pictures: Float32Array[] = [];
  let number = 0;
  for await (const { frame, size } of readFrames(`${folder}counter.mp4`)) {
    if (!chosen.includes(number++)) continue;
    const prepared = await prepareFrame(frame, size, picture);
    normalizePictures(prepared, picture);
    pictures.push(prepared);
  }
  return pictures;
}

describe('Agreement/counter', () => {
  it(`answers ${FRAMES} encrypted test frames as the clear network does`, async () => {
    expect(existsSync(`${folder}counter.mp4`)).toBe(true);
    const { graph, metadata } = await loadZooNetwork('counter');
    const pictures = await testPictures(FRAMES, metadata);
    const compiled = compileNetwork(graph, metadata);
    const { program } = compiled;
    const keys = await createOwnerKeys(checkParameters(program.parameters), program.resultRing);
    const material = {
      program: verifyProgram(program),
      constants: await encryptConstants(verifyProgram(program), keys.secretKey, compiled.constants),
      publicKey: keys.publicKey,
      evaluationKeys: await makeEvaluationKeys(verifyProgram(program), keys),
    };
    const reference = await createReferenceInterpreter(material);
    const engine = await createEngineInterpreter(material, { threads: 1 });
    const decryptor = await createDecryptor(verifyProgram(program), keys);
    const withheld: string[] = [];
    const answers = (interpreter: Interpreter) => (picture: Float32Array) => {
      const slots = decryptor.decrypt(interpreter.run(picture).ciphertext);
      const opened = interpretSlots(slots, compiled.interpretation);
      if (!opened.ok) withheld.push(opened.reason);
      return slots;
    };
    const network = lowerSteps(graph);
    const result = await measureAgreement(
      network,
      compiled,
      pictures.slice(0, REFERENCE_FRAMES),
      answers(reference),
    );
    const fast = REWRITE ? result : await measureAgreement(network, compiled, pictures, answers(engine));
    await Promise.all([reference.close(), engine.close()]);
    decryptor.close();
    if (REWRITE) {
      await writeFile(
        card,
        [
          '# counter: encrypted against clear',
          '',
          `${result.pictures} frames of the later part, reference interpreter (Microsoft SEAL through node-seal):`,
          '',
          '| | |',
          '|---|---:|',
          `| same label as the clear network | ${(100 * result.agreement).toFixed(2)} % |`,
          `| largest error of a logit (range ±${metadata.logitRange}) | ${result.worstLogitError.toExponential(2)} |`,
          `| largest value in a slot that must be empty | ${result.worstEmptySlot.toExponential(2)} |`,
          `| answers withheld | ${withheld.length} |`,
          '',
          `Made by \`BLINDSIGHT_AGREEMENT_FRAMES=${FRAMES} npx vitest run network/compiler/agreement.test.ts\`.`,
          '',
        ].join('\n'),
      );
    }
    expect(withheld).toEqual([]);
    for (const { agreement, worstLogitError, worstEmptySlot } of [result, fast]) {
      expect(agreement).toBeGreaterThanOrEqual(0.99);
      expect(worstLogitError).toBeLessThan(0.01);
      expect(worstEmptySlot).toBeLessThan(0.01);
    }
  }, 900_000);
});
