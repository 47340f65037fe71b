import { describe, expect, it } from 'vitest';
import { runClear } from '../../program/clear.ts';
import { verifyProgram } from '../../program/verifier.ts';
import { createOpener } from '../../testing/open-ciphertext.ts';
import { testParameters, worstError } from '../../testing/parameters.ts';
import { makeMaterial, testPicture, testPrograms, testScale } from '../../testing/programs.ts';
import { createEngineInterpreter } from './engine.ts';

describe.each([2, 4])('engine beside clear, N = 32768, α = %i', (special) => {
  const parameters = testParameters(32768, 4, { special });

  it('runs a chain of products and rotations; precision of all slots', async () => {
    const test = testPrograms(parameters).find(({ program }) => program.name === 'chain')!;
    const { keys, material } = await makeMaterial(test);
    const engine = await createEngineInterpreter(material, { threads: 2 });
    const open = createOpener(test.program, keys);
    const clear = runClear(verifyProgram(test.program), test.constants, testPicture);
    const slots = open(engine.run(testPicture).ciphertext);
    const { worst, deviation, mean } = errorStatistics(slots, clear);
    expect(worst).toBeLessThan(2 ** 20 / testScale(parameters));
    expect(deviation).toBeLessThan(2 ** 17 / testScale(parameters));
    // No slot stands out, and the error has no direction: 16 384 slots, so the mean is a hundredth of the deviation.
    expect(worst / deviation).toBeLessThan(16);
    expect(Math.abs(mean)).toBeLessThan(deviation / 10);
    await engine.close();
  });
});

/** Largest, root mean square and mean error of all slots. */
function errorStatistics(
  actual: Float64Array,
  expected: Float64Array,
): { readonly worst: number; readonly deviation: number; readonly mean: number } {
  let sum = 0;
  let squares = 0;
  actual.forEach((value, i) => {
    sum += value - expected[i]!;
    squares += (value - expected[i]!) ** 2;
  });
  const deviation = Math.sqrt(squares / actual.length);
  return { worst: worstError(actual, expected), deviation, mean: sum / actual.length };
}
