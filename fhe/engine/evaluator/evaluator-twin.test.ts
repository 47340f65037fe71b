import { describe, expect, it } from 'vitest';
import { addMod } from '../../ring/modular.ts';
import { createRing } from '../../ring/ring.ts';
import { EngineHarness, randomCiphertext, randomKey } from '../../testing/engine-harness.ts';
import { keySwitchTwin } from '../../testing/key-switch-twin.ts';
import { testParameters } from '../../testing/parameters.ts';

const degree = 4096;
const bits = 21;

/** −1 where equal; toEqual on long arrays is slow. */
function firstDifference(actual: Uint32Array, expected: Uint32Array): number {
  return actual.length === expected.length ? actual.findIndex((value, i) => value !== expected[i]) : -2;
}

/** Centered digits and any α, which SEAL lacks: compared with the definition in bigint, bit for bit. */
describe.each([
  { special: 1, levels: 4, threads: 1 },
  { special: 2, levels: 3, threads: 2 },
  { special: 3, levels: 2, threads: 1 },
])('key switching, α = $special, $levels data primes', ({ special, levels, threads }) => {
  const parameters = testParameters(degree, levels, { special, bits });
  const ring = createRing(degree);

  it.each(Array.from({ length: levels }, (_, level) => level))('is exact at level %i', async (level) => {
    // The key is truncated to the level, or reaches one level higher.
    for (const keyLevel of [...new Set([level, Math.min(level + 1, levels - 1)])]) {
      const key = randomKey(parameters, keyLevel, 7);
      const harness = new EngineHarness(parameters, { threads, build: 'debug' });
      harness.loadKeys({ relinearization: key, rotations: new Map([[3, key]]) });
      const source = randomCiphertext(parameters, level, 5, 3);
      const span = (level + 1) * degree;
      const [d0, d1] = keySwitchTwin(parameters, ring, source.residues.subarray(2 * span), level, key);
      const expected = new Uint32Array(2 * span);
      [d0, d1].forEach((part, component) => {
        part.forEach((value, i) => {
          const at = component * span + i;
          const q = parameters.moduli[Math.floor(i / degree)]!;
          expected[at] = addMod(value, source.residues[at]!, q);
        });
      });
      const block = harness.upload(source);
      const actual = harness.run(2, level, (evaluator, out) => evaluator.relinearize(out, block));
      expect(firstDifference(actual, expected)).toBe(-1);
      await harness.close();
    }
  });

  it('gives the same bits for a rotation alone and hoisted, and the same twice', async () => {
    const level = levels - 1;
    const harness = new EngineHarness(parameters, { threads });
    const keys = new Map([1, 3].map((step) => [step, randomKey(parameters, level, step)]));
    harness.loadKeys({ relinearization: null, rotations: keys });
    const source = harness.upload(randomCiphertext(parameters, level, 5));
    const alone = [1, 3].map((step) =>
      harness.run(2, level, (evaluator, out) => evaluator.rotate(out, source, step)),
    );
    const other = harness.engine.allocate(2, level);
    const hoisted = harness.run(2, level, (evaluator, out) =>
      evaluator.rotateHoisted([other, out], source, [1, 3]),
    );
    expect(firstDifference(harness.engine.read(other), alone[0]!)).toBe(-1);
    expect(firstDifference(hoisted, alone[1]!)).toBe(-1);
    // A round of a fold with one rotation is that rotation plus the source.
    const folded = harness.run(2, level, (evaluator, out) => evaluator.foldRound(out, source, [3]));
    const sum = harness.engine
      .read(source)
      .map((value, i) =>
        addMod(value, alone[1]![i]!, parameters.moduli[Math.floor(i / degree) % (level + 1)]!),
      );
    expect(firstDifference(folded, sum)).toBe(-1);
    await harness.close();
  });
});
