import { assertNever } from '../assert-never.ts';
import type { Instruction, Register } from './program.ts';
import type { RegisterType, VerifiedProgram } from './verifier.ts';

/**
 * A readable table of a program: its parameters, its inputs, and one line for each instruction with the level, scale and size of its result.
 */
export function listProgram(verified: VerifiedProgram): string {
  const { program, parameters, registers, requirements, memoryBytes } = verified;
  const { picture, regions, inputs, constants, instructions } = program;
  const keys = requirements.rotations.map(({ step, level }) => `${step}@${level}`).join(' ');
  const head = [
    `program ${program.name}`,
    `ring N = ${parameters.ringDegree}, ${parameters.moduli.length} primes + ${parameters.specialModuli.length} special, log2(Q·P) = ${parameters.logQP.toFixed(1)}`,
    `${regions === undefined ? 'picture' : `${regions} pictures of`} ${picture.channels} × ${picture.height} × ${picture.width}, ${inputs.length} inputs, ${constants.length} constants`,
    `keys: relinearization ${requirements.relinearizationLevel ?? 'none'}, rotations step@level: ${keys || 'none'}`,
    `memory about ${(memoryBytes / 2 ** 20).toFixed(1)} MB`,
  ];
  if (program.resultRing !== undefined) {
    head.push(`answers in N = ${program.resultRing.ringDegree}, modulus ${program.resultRing.modulus}`);
  }
  const rows = instructions.map((instruction, index) => [
    String(index),
    'out' in instruction ? `r${instruction.out}` : '',
    describe(instruction),
    'out' in instruction ? describeType(registers.get(instruction.out)!) : '',
  ]);
  const widths = [0, 1, 2].map((column) => Math.max(0, ...rows.map((row) => row[column]!.length)));
  const body = rows.map(([index, out, text, type]) =>
    `${index!.padStart(widths[0]!)}  ${out!.padEnd(widths[1]!)}  ${text!.padEnd(widths[2]!)}  ${type}`.trimEnd(),
  );
  return [...head, '', ...body, ''].join('\n');
}

function describeType({ level, scale, size, ring }: RegisterType): string {
  return `level ${level}  scale 2^${Math.log2(scale).toFixed(2)}  size ${size}${ring === 'result' ? '  result ring' : ''}`;
}

/** Terms that a line shows before it says how many more there are. */
const SHOWN_TERMS = 4;

function describe(instruction: Instruction): string {
  const r = (register: Register): string => `r${register}`;
  const sum = (terms: readonly string[]): string =>
    terms.length <= SHOWN_TERMS
      ? terms.join(' + ')
      : `${terms.slice(0, SHOWN_TERMS).join(' + ')} + ${terms.length - SHOWN_TERMS} more`;
  switch (instruction.op) {
    case 'encrypt':
      return `encrypt input ${instruction.input}`;
    case 'inner':
      return `inner ${sum(instruction.terms.map((term) => `${r(term.source)}·c${term.constant}`))}`;
    case 'rotate-inner':
      return `rotate-inner ${sum(
        instruction.terms.map((term) => `rot(${r(term.source)}, ${term.step})·c${term.constant}`),
      )}`;
    case 'rotate':
      return `rotate ${r(instruction.source)} by ${instruction.step}`;
    case 'fold':
      return `fold ${r(instruction.source)} by ${instruction.steps.join(', ')}`;
    case 'multiply':
    case 'add':
      return `${instruction.op} ${r(instruction.left)}, ${r(instruction.right)}`;
    case 'add-constant':
      return `add-constant ${r(instruction.source)}, c${instruction.constant}`;
    case 'drop-level':
      return `drop-level ${r(instruction.source)} to ${instruction.level}`;
    case 'square':
    case 'relinearize':
    case 'rescale':
    case 'switch-ring':
    case 'output':
      return `${instruction.op} ${r(instruction.source)}`;
    default:
      return assertNever(instruction);
  }
}
