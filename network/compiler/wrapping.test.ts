import { describe, expect, it } from 'vitest';
import { checkParameters, createEngineInterpreter, verifyProgram } from '#fhe';
import {
  createDecryptor,
  createOwnerKeys,
  encryptConstants,
  interpretSlots,
  makeEvaluationKeys,
} from '#fhe/secret';
import { runGraph } from '#network/model/run/run.ts';
import { denseGraph, randomPictures } from '../testing/small-graphs.ts';
import { compileNetwork, sketchNetwork } from './compile.ts';

/** So many that the planner repeats the logits as often as it can. */
const PIXELS = 2000;
const PICTURES = 40;

describe('an answer that wraps around the last prime', () => {
  it.each([2, 3, 4, 7, 8, 16])('has empty slots beside %i logits to show it', (classes) => {
    for (const shape of [
      [PIXELS, classes],
      [4, 4, 4, classes],
    ]) {
      const { labels, expected } = compileNetwork(denseGraph(1, shape), {
        labels: Array.from({ length: classes }, (_, i) => String(i)),
        activationRanges: shape.slice(2).map(() => 1),
        logitRange: 1,
      }).interpretation;
      expect(labels).toHaveLength(classes);
      expect(expected).toContain(-1);
      expect(expected).not.toContain(-2);
    }
  });

  it('is withheld: real keys, logits up to twenty times the range', async () => {
    const graph = denseGraph(3, [PIXELS, 4]);
    const pictures = randomPictures(4, PICTURES, PIXELS);
    const truths = pictures.map((picture) => Math.max(...runGraph(graph, picture).map(Math.abs)));
    const { program: sketch } = sketchNetwork(graph, 'wide');
    const keys = await createOwnerKeys(checkParameters(sketch.parameters), sketch.resultRing);
    const reasons = new Set<string>();
    for (const factor of [1, 3, 10, 20]) {
      const logitRange = Math.max(...truths) / factor / 1.5;
      const compiled = compileNetwork(graph, {
        labels: ['a', 'b', 'c', 'd'],
        activationRanges: [],
        logitRange,
      });
      const { program, constants, interpretation } = compiled;
      const engine = await createEngineInterpreter(
        {
          program: verifyProgram(program),
          constants: await encryptConstants(verifyProgram(program), keys.secretKey, constants),
          publicKey: keys.publicKey,
          evaluationKeys: await makeEvaluationKeys(verifyProgram(program), keys),
        },
        { threads: 1 },
      );
      const decryptor = await createDecryptor(verifyProgram(program), keys);
      pictures.forEach((picture, n) => {
        const opened = interpretSlots(decryptor.decrypt(engine.run(picture).ciphertext), interpretation);
        if (!opened.ok) reasons.add(opened.reason);
        if (truths[n]! > 1.001 * interpretation.range) expect(opened.ok, `${factor}, ${n}`).toBe(false);
        if (truths[n]! < 0.999 * interpretation.range) expect(opened.ok, `${factor}, ${n}`).toBe(true);
      });
      decryptor.close();
      await engine.close();
    }
    // Beyond twice the range answers wrap, and only the empty slots reveal it.
    expect(reasons).toEqual(new Set(['out-of-range', 'not-zero']));
  });
});
