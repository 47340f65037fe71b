import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Ciphertext } from '../../ckks/ciphertext.ts';
import { createSealContext, type SealContext } from '../../seal/context.ts';
import {
  fromSealCiphertext,
  toSealCiphertext,
  toSealGaloisKeys,
  toSealRelinKeys,
} from '../../seal/convert.ts';
import { SealScope } from '../../seal/runtime.ts';
import { EngineHarness, randomCiphertext, randomKey } from '../../testing/engine-harness.ts';
import { testParameters } from '../../testing/parameters.ts';

const STEP = 5;

/** toEqual takes seconds on arrays of this length. */
function expectSame(actual: Uint32Array, expected: Uint32Array): void {
  expect(actual.length).toBe(expected.length);
  expect(actual.findIndex((value, i) => value !== expected[i])).toBe(-1);
}

/**
 * Operations that SEAL has are compared bit for bit, on uniform residues and uniform keys, so that small numbers hide nothing. The
 * engine decomposes into SEAL's digits here; in programs it centers them, which evaluator-twin.test.ts compares with the bigint twin.
 */
describe.each([
  { ringDegree: 4096, levels: 3, bits: 26 },
  { ringDegree: 8192, levels: 5, bits: 30 },
  { ringDegree: 16384, levels: 6, bits: 30 },
])('engine beside SEAL, N = $ringDegree, $levels data primes', ({ ringDegree, levels, bits }) => {
  const parameters = testParameters(ringDegree, levels, { bits });
  const top = parameters.maxLevel;
  const relinearization = randomKey(parameters, top, 1);
  const rotation = randomKey(parameters, top, 2);
  let bridge: SealContext;
  let relinKeys: ReturnType<typeof toSealRelinKeys>;
  let galoisKeys: ReturnType<typeof toSealGaloisKeys>;
  const harness = new EngineHarness(parameters, { digits: 'seal' });
  const scope = new SealScope();

  beforeAll(async () => {
    bridge = await createSealContext(parameters);
    relinKeys = scope.own(toSealRelinKeys(bridge, relinearization));
    galoisKeys = scope.own(toSealGaloisKeys(bridge, STEP, rotation));
    harness.loadKeys({ relinearization, rotations: new Map([[STEP, rotation]]) });
  });
  afterAll(async () => {
    scope[Symbol.dispose]();
    bridge.close();
    await harness.close();
  });

  /** Runs an operation of SEAL on one or two ciphertexts. */
  function seal(
    sources: readonly Ciphertext[],
    run: (
      evaluator: InstanceType<SealContext['seal']['Evaluator']>,
      inputs: readonly ReturnType<typeof toSealCiphertext>[],
      out: ReturnType<typeof toSealCiphertext>,
    ) => void,
  ): Ciphertext {
    using temporary = new SealScope();
    const evaluator = temporary.own(new bridge.seal.Evaluator(bridge.context));
    const inputs = sources.map((source) => temporary.own(toSealCiphertext(bridge, source)));
    const out = temporary.own(new bridge.seal.Ciphertext());
    run(evaluator, inputs, out);
    return fromSealCiphertext(bridge, out);
  }

  describe.each([...new Set([top, top - 1, 1])].map((level) => ({ level })))('level $level', ({ level }) => {
    const a = randomCiphertext(parameters, level, 10 + level);
    const b = randomCiphertext(parameters, level, 50 + level);
    const degree2 = randomCiphertext(parameters, level, 90 + level, 3);

    it('adds', () => {
      const expected = seal([a, b], (evaluator, [x, y], out) => evaluator.add(x!, y!, out));
      const [x, y] = [harness.upload(a), harness.upload(b)];
      expectSame(
        harness.run(2, level, (evaluator, out) => evaluator.add(out, x, y)),
        expected.residues,
      );
    });

    it('multiplies', () => {
      const expected = seal([a, b], (evaluator, [x, y], out) => evaluator.multiply(x!, y!, out));
      const [x, y] = [harness.upload(a), harness.upload(b)];
      expectSame(
        harness.run(3, level, (evaluator, out) => evaluator.multiply(out, x, y)),
        expected.residues,
      );
    });

    it('squares', () => {
      const expected = seal([a], (evaluator, [x], out) => evaluator.square(x!, out));
      const x = harness.upload(a);
      expectSame(
        harness.run(3, level, (evaluator, out) => evaluator.square(out, x)),
        expected.residues,
      );
    });

    it('relinearizes', () => {
      const expected = seal([degree2], (evaluator, [x], out) => evaluator.relinearize(x!, relinKeys, out));
      const x = harness.upload(degree2);
      expectSame(
        harness.run(2, level, (evaluator, out) => evaluator.relinearize(out, x)),
        expected.residues,
      );
    });

    it('rotates', () => {
      const expected = seal([a], (evaluator, [x], out) => evaluator.rotateVector(x!, STEP, galoisKeys, out));
      const x = harness.upload(a);
      expectSame(
        harness.run(2, level, (evaluator, out) => evaluator.rotate(out, x, STEP)),
        expected.residues,
      );
    });

    it.each([2, 3] as const)('rescales size %i', (size) => {
      const source = size === 2 ? a : degree2;
      const expected = seal([source], (evaluator, [x], out) => evaluator.rescaleToNext(x!, out));
      const x = harness.upload(source);
      const actual = harness.run(size, level - 1, (evaluator, out) => evaluator.rescale(out, x));
      expectSame(actual, expected.residues);
    });
  });
});
