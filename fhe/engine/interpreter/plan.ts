import { assertNever } from '../../assert-never.ts';
import { readRegisters } from '../../program/liveness.ts';
import type { Instruction, Program, Register } from '../../program/program.ts';
import { findRotatedSums } from '../../program/rotated-sums.ts';
import { normalizeStep } from '../../ring/automorphism.ts';

/**
 * What the engine records: the program's instructions, some of them fused. A fused step writes the register of the last instruction that
 * it replaces; the registers in between do not exist.
 */
export type Step =
  | Exclude<Instruction, { op: 'encrypt' | 'output' | 'rotate' }>
  /** Relinearizes and rescales in one division. */
  | { readonly op: 'relinearize-rescale'; readonly out: Register; readonly source: Register }
  /** `rotate-inner`, relinearized and perhaps rescaled: its first two polynomials are divided by P only once. */
  | {
      readonly op: 'rotate-inner-relinearize';
      readonly out: Register;
      readonly terms: Extract<Instruction, { op: 'rotate-inner' }>['terms'];
    }
  /** All rotations of one register: decomposed once. Steps are normalized and not zero. */
  | {
      readonly op: 'rotate-all';
      readonly source: Register;
      readonly rotations: readonly { readonly out: Register; readonly step: number }[];
    }
  /**
   * Adds a product, relinearized (unless weights are plain), rescaled and rotated by `step` (normalized, 0 for none), to a sum that `finish-rotated` writes to the register `sum`: what is
   * added stays modulo Q·P, so that the sum is divided by P and rescaled once.
   */
  | { readonly op: 'add-rotated'; readonly sum: Register; readonly source: Register; readonly step: number }
  | { readonly op: 'finish-rotated'; readonly out: Register }
  | { readonly op: 'copy'; readonly out: Register; readonly source: Register };

/** Registers that a step reads. */
export function readBy(step: Step): readonly Register[] {
  switch (step.op) {
    case 'rotate-inner-relinearize':
      return step.terms.map((term) => term.source);
    case 'relinearize-rescale':
    case 'rotate-all':
    case 'add-rotated':
    case 'copy':
      return [step.source];
    case 'finish-rotated':
      return [];
    case 'inner':
    case 'rotate-inner':
    case 'fold':
    case 'square':
    case 'multiply':
    case 'add':
    case 'add-constant':
    case 'relinearize':
    case 'rescale':
    case 'drop-level':
    case 'switch-ring':
      return readRegisters(step);
    default:
      return assertNever(step);
  }
}

/** Registers that a step writes. */
export function writtenBy(step: Step): readonly Register[] {
  if (step.op === 'add-rotated') return [];
  return step.op === 'rotate-all' ? step.rotations.map(({ out }) => out) : [step.out];
}

/** Inputs of the program and the register that each is encrypted into. */
export type PlannedInput = { readonly input: number; readonly register: Register };

export type Plan = { readonly inputs: readonly PlannedInput[]; readonly steps: readonly Step[] };

/** Fuses what may be fused: an intermediate value must have no other reader. */
export function planProgram(program: Program): Plan {
  const { instructions, parameters } = program;
  const readers = new Map<Register, Instruction[]>();
  for (const instruction of instructions) {
    for (const register of new Set(readRegisters(instruction))) {
      readers.set(register, [...(readers.get(register) ?? []), instruction]);
    }
  }
  /** The only reader of a register, if it has exactly one. */
  const onlyReader = (register: Register): Instruction | null => {
    const list = readers.get(register) ?? [];
    return list.length === 1 ? list[0]! : null;
  };
  const inputs: PlannedInput[] = [];
  const steps: Step[] = [];
  const done = new Set<Instruction>();
  // What version 1 says of rounding is what its gateways and auditors agree on.
  const fused = program.version === 1 ? new Map<Instruction, Step[]>() : fuseRotatedSums(program);
  for (const instruction of instructions) {
    if (done.has(instruction)) continue;
    const replaced = fused.get(instruction);
    if (replaced !== undefined) {
      steps.push(...replaced);
      continue;
    }
    switch (instruction.op) {
      case 'encrypt':
        inputs.push({ input: instruction.input, register: instruction.out });
        break;
      case 'output':
        break;
      case 'rotate':
        steps.push(
          ...planRotations(instruction.source, readers.get(instruction.source)!, parameters.ringDegree),
        );
        for (const reader of readers.get(instruction.source)!) if (reader.op === 'rotate') done.add(reader);
        break;
      case 'relinearize': {
        const rescale = onlyReader(instruction.out);
        if (rescale?.op !== 'rescale') steps.push(instruction);
        else {
          steps.push({ op: 'relinearize-rescale', out: rescale.out, source: instruction.source });
          done.add(rescale);
        }
        break;
      }
      case 'rotate-inner': {
        // What a summand of rotated sums goes through is done with them.
        const { step, replaced } = planRotateInner(instruction, program.weights, (register) => {
          const reader = onlyReader(register);
          return reader !== null && fused.has(reader) ? null : reader;
        });
        steps.push(step);
        for (const each of replaced) done.add(each);
        break;
      }
      case 'inner':
      case 'fold':
      case 'square':
      case 'multiply':
      case 'add':
      case 'add-constant':
      case 'rescale':
      case 'drop-level':
      case 'switch-ring':
        steps.push(instruction);
        break;
      default:
        assertNever(instruction);
    }
  }
  return { inputs, steps };
}

/**
 * A `rotate-inner` and what it takes in: relinearization (weights that are plain need none) and rescaling.
 *
 * @param onlyReader the only reader of a register, if it has exactly one that no other step replaces
 */
function planRotateInner(
  instruction: Extract<Instruction, { op: 'rotate-inner' }>,
  weights: Program['weights'],
  onlyReader: (register: Register) => Instruction | null,
): { readonly step: Step; readonly replaced: readonly Instruction[] } {
  const first = onlyReader(instruction.out);
  // With encrypted weights a rescaling in this place stays by itself: audits compare how it rounds.
  if (weights === 'plain' && first?.op === 'rescale')
    return { step: { ...instruction, out: first.out }, replaced: [first] };
  if (first?.op !== 'relinearize') return { step: instruction, replaced: [] };
  const second = onlyReader(first.out);
  const { terms } = instruction;
  const step = (out: Register): Step => ({ op: 'rotate-inner-relinearize', out, terms });
  return second?.op === 'rescale'
    ? { step: step(second.out), replaced: [first, second] }
    : { step: step(first.out), replaced: [first] };
}

/** What replaces the instructions of sums of rotated products: a step for the first of each summand, and for the last addition. */
function fuseRotatedSums(program: Program): Map<Instruction, Step[]> {
  const fused = new Map<Instruction, Step[]>();
  for (const { out, parts, additions } of findRotatedSums(program)) {
    for (const { first, step, instructions } of parts) {
      for (const instruction of instructions) fused.set(instruction, []);
      fused.set(first, [{ op: 'add-rotated', sum: out, source: first.source, step }]);
    }
    for (const addition of additions) fused.set(addition, []);
    fused.set(additions.at(-1)!, [{ op: 'finish-rotated', out }]);
  }
  return fused;
}

function planRotations(source: Register, readers: readonly Instruction[], ringDegree: number): Step[] {
  const rotations = readers.flatMap((reader) =>
    reader.op === 'rotate' ? [{ out: reader.out, step: normalizeStep(reader.step, ringDegree) }] : [],
  );
  const moving = rotations.filter(({ step }) => step !== 0);
  const copies = rotations.filter(({ step }) => step === 0);
  return [
    ...(moving.length > 0 ? [{ op: 'rotate-all', source, rotations: moving } as const] : []),
    ...copies.map(({ out }) => ({ op: 'copy', out, source }) as const),
  ];
}

/** For every register, the index of its last reader. */
export function lastReads(steps: readonly Step[]): Map<Register, number> {
  const last = new Map<Register, number>();
  steps.forEach((step, index) => {
    for (const register of readBy(step)) last.set(register, index);
  });
  return last;
}
