import { normalizeStep } from '../ring/automorphism.ts';
import { readRegisters } from './liveness.ts';
import type { Instruction, Program, Register } from './program.ts';

/** A summand: a product that is relinearized (unless weights are plain), rescaled and (unless `step` is 0) rotated to the left by `step`, normalized. */
export type RotatedPart = {
  /** The first of `instructions`; its source is the product. */
  readonly first: Extract<Instruction, { op: 'relinearize' | 'rescale' }>;
  readonly step: number;
  /** The instructions that make it of the product. */
  readonly instructions: readonly Instruction[];
};

/** A sum of such parts, as the giant steps of a linear layer end. */
export type RotatedSum = {
  readonly out: Register;
  readonly parts: readonly RotatedPart[];
  /** The additions; the last one writes `out`. */
  readonly additions: readonly Instruction[];
};

type Cluster = { readonly parts: RotatedPart[]; readonly additions: Instruction[] };

/** Finds the sums of rotated products of which at least one is rotated; no value in between has another reader. One pass. */
export function findRotatedSums({
  instructions,
  parameters,
  weights,
}: Pick<Program, 'instructions' | 'parameters' | 'weights'>): RotatedSum[] {
  const writers = new Map<Register, Instruction>();
  const readers = new Map<Register, Set<Instruction>>();
  for (const instruction of instructions) {
    for (const register of readRegisters(instruction))
      readers.set(register, (readers.get(register) ?? new Set()).add(instruction));
    if ('out' in instruction) writers.set(instruction.out, instruction);
  }
  const isReadOnlyBy = (register: Register, reader: Instruction): boolean => {
    const all = readers.get(register)!;
    return all.size === 1 && all.has(reader);
  };
  const partOf = (register: Register): RotatedPart | null => {
    const last = writers.get(register)!;
    const rescale = last.op === 'rotate' ? writers.get(last.source)! : last;
    if (rescale.op !== 'rescale' || (last.op === 'rotate' && !isReadOnlyBy(rescale.out, last))) return null;
    const before = writers.get(rescale.source)!;
    if (!isReadOnlyBy(rescale.source, rescale)) return null;
    const isProduct = before.op === 'inner' || before.op === 'rotate-inner';
    if (!(weights === 'plain' ? isProduct : before.op === 'relinearize')) return null;
    const first = before.op === 'relinearize' ? before : rescale;
    return {
      first,
      step: last.op === 'rotate' ? normalizeStep(last.step, parameters.ringDegree) : 0,
      instructions: [...new Set([first, rescale, last])],
    };
  };
  const clusters = new Map<Register, Cluster>();
  const summand = (register: Register, add: Instruction): Cluster | null => {
    if (!isReadOnlyBy(register, add)) return null;
    const known = clusters.get(register);
    if (known !== undefined) return known;
    const part = partOf(register);
    return part && { parts: [part], additions: [] };
  };
  for (const instruction of instructions) {
    if (instruction.op !== 'add' || instruction.left === instruction.right) continue;
    const left = summand(instruction.left, instruction);
    const right = summand(instruction.right, instruction);
    if (left === null || right === null) continue;
    clusters.delete(instruction.left);
    clusters.delete(instruction.right);
    const [large, small] = left.parts.length >= right.parts.length ? [left, right] : [right, left];
    large.parts.push(...small.parts);
    large.additions.push(...small.additions, instruction);
    clusters.set(instruction.out, large);
  }
  return [...clusters].flatMap(([out, cluster]) =>
    cluster.parts.some(({ step }) => step !== 0) ? [{ out, ...cluster }] : [],
  );
}

/** The oldest version of programs with these instructions that evaluates them as fast as the engine can: see {@link Program.version}. */
export function programVersion(program: Pick<Program, 'instructions' | 'parameters'>): Program['version'] {
  return findRotatedSums(program).length > 0 ? 2 : 1;
}
