import { afterAll, describe, expect, it } from 'vitest';
import { testParameters } from '../../testing/parameters.ts';
import { EngineContext } from '../evaluator/context.ts';
import { Encryptor } from '../evaluator/encryptor.ts';
import { Evaluator } from '../evaluator/evaluator.ts';
import type { EngineKey } from '../evaluator/keys.ts';
import { Op, type TapeRecorder } from '../tape/tape.ts';
import { addWork, OperationWork, type Work } from './operation-work.ts';

/** Kernel operations that transform one limb, forward or inverse. */
const TRANSFORMING = new Set<number>([
  Op.forward,
  Op.inverseAdd,
  Op.convertForward,
  Op.divide,
  Op.forwardSmall,
  Op.encryptTop,
  Op.encryptLimb,
]);
const TASK_WORDS = 20;
const DEGREE = 16384;
const TOP = 6;

describe.each([1, 2, 3])('the work of operations with %i special primes', (alpha) => {
  const parameters = testParameters(DEGREE, TOP + 1, { special: alpha });
  const engine = new EngineContext(parameters, { threads: 1, build: 'release' });
  afterAll(() => engine.close());
  const count = new OperationWork(alpha);
  // Nothing runs: the content of keys does not matter.
  const key: EngineKey = { level: TOP, stride: 0, at: () => 0 };
  const keys = { relinearization: key, rotations: new Map([1, 2, 3].map((step) => [step, key])) };

  function transformsOf(record: (tape: TapeRecorder) => void): number {
    const tape = engine.recorder();
    record(tape);
    const { address, count: tasks } = tape.finish();
    const words = engine.arena.view(address, tasks * TASK_WORDS);
    return Array.from({ length: tasks }, (_, i) => words[i * TASK_WORDS]!).filter((op) =>
      TRANSFORMING.has(op),
    ).length;
  }

  describe.each([1, 4, TOP])('at level %i', (level) => {
    const two = engine.allocate(2, level);
    const out = engine.allocate(2, level);
    const lower = engine.allocate(2, level - 1);
    const three = engine.allocate(3, level);
    const weight = engine.allocate(2, level, true);
    const turned = [1, 2, 0].map((step) => ({ source: two, step, weight }));
    const sum = count.rotatedSum(level, 3, 2, 1);
    const operations: readonly [string, Work, (evaluator: Evaluator) => void][] = [
      ['relinearize', count.relinearize(level), (e) => e.relinearize(out, three)],
      ['relinearize and rescale', count.relinearizeRescale(level), (e) => e.relinearize(lower, three)],
      ['rescale', count.rescale(level), (e) => e.rescale(lower, two)],
      ['rotate', count.rotations(level, 1), (e) => e.rotate(out, two, 1)],
      [
        'rotate by two steps at once',
        count.rotations(level, 2),
        (e) => e.rotateHoisted([out, engine.allocate(2, level)], two, [1, 2]),
      ],
      ['fold', count.foldRound(level, 3), (e) => e.foldRound(out, two, [1, 2, 3])],
      ['rotate-inner', addWork(sum, count.divide(level + 1, 3)), (e) => e.rotateInner(three, turned)],
      [
        'rotate-inner, relinearized',
        addWork(sum, count.relinearizeTimesP(level, false)),
        (e) => e.rotateInner(out, turned),
      ],
      [
        'rotate-inner, relinearized and rescaled',
        addWork(sum, count.relinearizeTimesP(level, true)),
        (e) => e.rotateInner(lower, turned),
      ],
      [
        'a sum of rotated products',
        addWork(count.addRotated(level, false), count.addRotated(level, true), count.finishRotated(level)),
        (e) => {
          const rotated = e.rotatedSum(level);
          e.addRotated(rotated, three, 0);
          e.addRotated(rotated, three, 1);
          e.finishRotated(lower, rotated);
        },
      ],
      ['inner', count.inner(level, 1), (e) => e.inner(three, [{ source: two, weight: out }])],
      ['add', count.elementwise(level), (e) => e.add(out, two, two)],
    ];

    it('counts the transforms of sums with plain weights', () => {
      const plain = new OperationWork(alpha, 'plain');
      const one = turned.map((term) => ({ ...term, weight: engine.allocate(1, level, true) }));
      const evaluator = (record: (evaluator: Evaluator) => void): number =>
        transformsOf((tape) => record(new Evaluator(engine, tape, keys)));
      expect(evaluator((e) => e.rotateInner(lower, one))).toBe(
        addWork(plain.rotatedSum(level, 3, 2, 1), plain.divide(level, 2, alpha + 1)).transforms,
      );
      const rotated = evaluator((e) => {
        const part = e.rotatedSum(level, 2);
        e.addRotated(part, two, 0);
        e.addRotated(part, two, 1);
        e.finishRotated(lower, part);
      });
      expect(rotated).toBe(
        addWork(plain.addRotated(level, false), plain.addRotated(level, true), plain.finishRotated(level))
          .transforms,
      );
    });

    it.each(operations)('counts the transforms that the evaluator records: %s', (_, work, record) => {
      expect(transformsOf((tape) => record(new Evaluator(engine, tape, keys)))).toBe(work.transforms);
    });

    it('counts the transforms of an encryption', () => {
      const residues = new Uint32Array(2 * (TOP + 1 + alpha) * DEGREE);
      const encryptor = new Encryptor(engine, { residues });
      const input = { level, scale: 2 ** 20, slots: new Int32Array(DEGREE / 2).fill(-1) };
      expect(transformsOf((tape) => encryptor.record(tape, [input], [out], 1))).toBe(
        count.encrypt(level).transforms,
      );
    });
  });
});
