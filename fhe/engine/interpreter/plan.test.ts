import { describe, expect, it } from 'vitest';
import type { Instruction, Program } from '../../program/program.ts';
import { programVersion } from '../../program/rotated-sums.ts';
import { testParameters } from '../../testing/parameters.ts';
import { testPrograms } from '../../testing/programs.ts';
import { planProgram } from './plan.ts';

const parameters = testParameters(4096, 3, { bits: 26 });
const { program } = testPrograms(parameters).find((test) => test.program.name === 'giant-steps')!;
const stepsOf = (changed: Partial<Program>): string[] =>
  planProgram({ ...program, ...changed }).steps.map(({ op }) => op);

describe('planProgram', () => {
  it('divides sums of rotated products once, from version 2 on', () => {
    expect(program.version).toBe(2);
    expect(stepsOf({})).toEqual([...Array(3).fill(['inner', 'add-rotated']).flat(), 'finish-rotated']);
    // Answers to version 1 keep their bytes, which audits compare.
    const before = stepsOf({ version: 1 });
    expect(before).not.toContain('add-rotated');
    expect(before.filter((op) => op === 'relinearize-rescale')).toHaveLength(3);
  });

  it('leaves a sum alone where a value in between has another reader, or is added to itself', () => {
    const last = program.instructions.at(-1)!;
    const rotate = program.instructions.find(({ op }) => op === 'rotate') as { out: number };
    const total = (last as { source: number }).source;
    const reads = (extra: Instruction[], source: number): Instruction[] => [
      ...program.instructions.slice(0, -1),
      ...extra,
      { op: 'output', source },
    ];
    const again = reads([{ op: 'add', out: 99, left: rotate.out, right: total }], 99);
    // The first two parts are still a sum of their own only if neither is read again.
    expect(stepsOf({ instructions: again })).toContain('relinearize-rescale');
    const twice = reads([{ op: 'add', out: 99, left: total, right: total }], 99);
    expect(stepsOf({ instructions: twice }).slice(-2)).toEqual(['finish-rotated', 'add']);
    expect(programVersion({ instructions: program.instructions.slice(0, 4), parameters })).toBe(1);
  });

  it('rescales a sum of rotated products by itself where it is not relinearized first, unless weights are plain', () => {
    const level = parameters.maxLevel;
    const summed: Partial<Program> = {
      constants: [{ level, scale: parameters.moduli[level]!, modulus: 'QP' }],
      instructions: [
        { op: 'encrypt', out: 0, input: 0 },
        { op: 'rotate-inner', out: 1, terms: [{ source: 0, step: 1, constant: 0 }] },
        { op: 'rescale', out: 2, source: 1 },
        { op: 'output', source: 2 },
      ],
    };
    expect(stepsOf(summed)).toEqual(['rotate-inner', 'rescale']);
    expect(stepsOf({ ...summed, weights: 'plain' })).toEqual(['rotate-inner']);
  });
});
