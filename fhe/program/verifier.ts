import type { KeyRequirements } from '../ckks/evaluation-keys.ts';
import { checkParameters, type Parameters } from '../ckks/parameters.ts';
import { ringSwitchPrime } from '../ckks/ring-switch-key.ts';
import { FheError } from '../errors.ts';
import { foldRounds } from './fold-rounds.ts';
import { peakRegisterBytes } from './liveness.ts';
import { materialBytes } from './material-bytes.ts';
import { pictureValues } from './picture-values.ts';
import type { Instruction, Program, ProgramConstant, Register } from './program.ts';
import { RequirementCollector } from './requirements.ts';

/** What is known about a register before anything runs. */
export type RegisterType = {
  readonly level: number;
  readonly scale: number;
  readonly size: 2 | 3;
  /** `result` after `switch-ring`: such a register can only be the output. */
  readonly ring: 'main' | 'result';
};

declare const verified: unique symbol;

/** A program that passed {@link verifyProgram}, the only function that makes one: whoever receives it need not check again. */
export type VerifiedProgram = {
  readonly [verified]: true;
  readonly program: Program;
  readonly parameters: Parameters;
  /** Parameters of the answer: those of the program, or of its result ring. */
  readonly resultParameters: Parameters;
  readonly registers: ReadonlyMap<Register, RegisterType>;
  readonly output: Register;
  readonly requirements: KeyRequirements;
  /** Estimate of an interpreter's peak memory in bytes: live registers, constants and keys, expanded. */
  readonly memoryBytes: number;
  /** Of {@link memoryBytes} what is not constants and keys, which need not be in memory. */
  readonly registerBytes: number;
};

/** Largest relative difference of two scales that are added: 2^-20 is far below the noise. */
export const SCALE_TOLERANCE = 2 ** -20;

/** Caps on counts, the same for the codec and the verifier. */
export const ProgramLimits = {
  inputs: 1024,
  constants: 65_536,
  instructions: 65_536,
  terms: 65_536,
  foldSteps: 64,
  nameCharacters: 128,
  pictureSide: 4096,
  motionSeconds: 86_400,
  regions: 64,
} as const;

/**
 * Derives levels, scales and sizes of all registers and checks the rules below.
 *
 * 1. Parameters, and those of the result ring, are secure (`checkParameters`).
 * 2. Inputs and constants have levels and scales that the chain can hold; input slots refer to existing values.
 * 3. A register is written once and before it is read; the program ends with its one output.
 * 4. Operands have the same level; constants the level and modulus of their use; scales that are added agree within 2^-20.
 * 5. Only `relinearize`, `add`, `rescale`, `drop-level` and `output` take a register of size 3.
 * 6. Every scale leaves room for |value| ≤ 1: 2 · scale < Q_level.
 *
 * @throws FheError FHE_PROGRAM naming the instruction and the reason; FHE_PARAMETERS and FHE_SECURITY from rule 1.
 */
export function verifyProgram(program: Program): VerifiedProgram {
  const parameters = checkParameters(program.parameters);
  const resultParameters =
    program.resultRing === undefined
      ? parameters
      : checkParameters({
          ringDegree: program.resultRing.ringDegree,
          moduli: [program.resultRing.modulus],
          specialModuli: [],
        });
  if (program.resultRing !== undefined) {
    if (program.resultRing.ringDegree > parameters.ringDegree) {
      throw new FheError(
        'FHE_PROGRAM',
        `program: result ring ${program.resultRing.ringDegree} is larger than the ring ${parameters.ringDegree}`,
      );
    }
    // The ring-switching key is as strong as a key of the small ring modulo q₀·P′.
    checkParameters({
      ringDegree: program.resultRing.ringDegree,
      moduli: [parameters.moduli[0]!],
      specialModuli: [ringSwitchPrime(parameters)],
    });
  }
  return new Verification(program, parameters, resultParameters).run();
}

class Verification {
  readonly #program: Program;
  readonly #parameters: Parameters;
  readonly #resultParameters: Parameters;
  readonly #registers = new Map<Register, RegisterType>();
  readonly #required = new RequirementCollector();
  readonly #usedInputs = new Set<number>();
  /** log2 of q₀ · … · q_l. */
  readonly #logQ: readonly number[];
  #output: Register | null = null;
  #where = 'program';

  constructor(program: Program, parameters: Parameters, resultParameters: Parameters) {
    this.#program = program;
    this.#parameters = parameters;
    this.#resultParameters = resultParameters;
    let sum = 0;
    this.#logQ = parameters.moduli.map((q) => {
      sum += Math.log2(q);
      return sum;
    });
  }

  run(): VerifiedProgram {
    this.#checkDeclarations();
    this.#program.instructions.forEach((instruction, index) => {
      this.#where = `instruction ${index} (${instruction.op})`;
      if (this.#output !== null) this.#refuse('follows the output');
      if (instruction.op === 'output') this.#end(instruction.source);
      else this.#write(instruction.out, this.#derive(instruction));
    });
    this.#where = 'program';
    if (this.#output === null) this.#refuse('has no output');
    const requirements = this.#required.finish(this.#parameters.ringDegree);
    const registerBytes = peakRegisterBytes(this.#program, this.#registers);
    const derived: Omit<VerifiedProgram, typeof verified> = {
      program: this.#program,
      parameters: this.#parameters,
      resultParameters: this.#resultParameters,
      registers: this.#registers,
      output: this.#output,
      requirements,
      registerBytes,
      memoryBytes: registerBytes + materialBytes(this.#parameters, this.#program, requirements),
    };
    return derived as VerifiedProgram;
  }

  #refuse(reason: string): never {
    throw new FheError('FHE_PROGRAM', `${this.#where}: ${reason}`);
  }

  #checkDeclarations(): void {
    const { picture, regions, inputs, constants, instructions, parameters, name } = this.#program;
    const limit = (what: string, count: number, most: number): void => {
      if (count > most) this.#refuse(`${count} ${what}: at most ${most}`);
    };
    limit('characters in the name', name.length, ProgramLimits.nameCharacters);
    limit('inputs', inputs.length, ProgramLimits.inputs);
    limit('constants', constants.length, ProgramLimits.constants);
    limit('instructions', instructions.length, ProgramLimits.instructions);
    for (const side of [picture.height, picture.width]) {
      if (!Number.isInteger(side) || side < 1 || side > ProgramLimits.pictureSide) {
        this.#refuse(`picture side ${side}: expected 1 to ${ProgramLimits.pictureSide}`);
      }
    }
    // One region is encoded by omitting the number, so that a program has one form.
    if (regions !== undefined && !(Number.isInteger(regions) && regions > 1)) {
      this.#refuse(`${regions} regions: expected a whole number above 1, or none`);
    }
    limit('regions', regions ?? 1, ProgramLimits.regions);
    const values = pictureValues(this.#program);
    inputs.forEach((input, index) => {
      this.#where = `input ${index}`;
      this.#checkScale(input.level, input.scale);
      if (input.slots.length !== this.#parameters.slots) {
        this.#refuse(`${input.slots.length} slots: expected ${this.#parameters.slots}`);
      }
      const bad = input.slots.find((value) => value < -1 || value >= values);
      if (bad !== undefined) this.#refuse(`a slot refers to value ${bad} of ${values}`);
    });
    constants.forEach((constant, index) => {
      this.#where = `constant ${index}`;
      this.#checkScale(constant.level, constant.scale);
      if (constant.modulus === 'QP' && parameters.specialModuli.length === 0) {
        this.#refuse('is modulo Q·P, but there is no special prime');
      }
    });
  }

  #checkScale(level: number, scale: number): void {
    if (!Number.isInteger(level) || level < 0 || level > this.#parameters.maxLevel) {
      this.#refuse(`level ${level}: expected 0 to ${this.#parameters.maxLevel}`);
    }
    if (!(scale >= 1) || !(Math.log2(scale) + 1 < this.#logQ[level]!)) {
      this.#refuse(
        `scale 2^${Math.log2(scale).toFixed(2)} does not fit level ${level}: expected 2^0 to below 2^${(this.#logQ[level]! - 1).toFixed(2)}`,
      );
    }
  }

  /** The type of an already written register. */
  #read(register: Register, size: 2 | 'any' = 2): RegisterType {
    const type = this.#registers.get(register);
    if (type === undefined) this.#refuse(`reads register ${register} before it is written`);
    if (type.ring === 'result') this.#refuse(`register ${register} left the ring; only output may take it`);
    if (size === 2 && type.size !== 2) this.#refuse(`register ${register} must be relinearized first`);
    return type;
  }

  #write(register: Register, type: RegisterType): void {
    if (!Number.isInteger(register) || register < 0 || register >= 2 ** 31) {
      this.#refuse(`register ${register}: expected a whole number below 2^31`);
    }
    if (this.#registers.has(register)) this.#refuse(`writes register ${register} a second time`);
    if (type.ring === 'main') this.#checkScale(type.level, type.scale);
    this.#registers.set(register, type);
  }

  #constant(index: number, modulus: 'Q' | 'QP', level: number): ProgramConstant {
    const constant = this.#program.constants[index];
    if (constant === undefined) this.#refuse(`constant ${index} does not exist`);
    if (constant.modulus !== modulus) {
      this.#refuse(`constant ${index} is modulo ${constant.modulus}: expected ${modulus}`);
    }
    if (constant.level !== level) {
      this.#refuse(`constant ${index} is at level ${constant.level}: expected ${level}`);
    }
    return constant;
  }

  #sameScale(left: number, right: number): void {
    if (!(Math.abs(left / right - 1) <= SCALE_TOLERANCE)) {
      this.#refuse(`adds scales ${left} and ${right}: they must agree within 2^-20`);
    }
  }

  #rotation(step: number, level: number): void {
    const slots = this.#parameters.slots;
    if (!Number.isInteger(step) || Math.abs(step) >= slots) {
      this.#refuse(`step ${step}: expected a whole number between ${-slots} and ${slots}`);
    }
    if (step !== 0 && this.#parameters.specialModuli.length === 0) this.#refuse('needs a special prime');
    this.#required.rotation(step, level);
  }

  /** `inner` and `rotate-inner`: all products at one level and one scale. */
  #weightedSum(
    terms: readonly { readonly source: Register; readonly constant: number; readonly step?: number }[],
    modulus: 'Q' | 'QP',
  ): RegisterType {
    const [head] = terms;
    if (head === undefined || terms.length > ProgramLimits.terms) {
      this.#refuse(`${terms.length} terms: expected 1 to ${ProgramLimits.terms}`);
    }
    const { level } = this.#read(head.source);
    let scale: number | null = null;
    for (const { source, constant, step } of terms) {
      const type = this.#read(source);
      if (type.level !== level) {
        this.#refuse(`register ${source} is at level ${type.level}, the first one at ${level}`);
      }
      const product = type.scale * this.#constant(constant, modulus, level).scale;
      scale ??= product;
      this.#sameScale(scale, product);
      if (step !== undefined) this.#rotation(step, level);
    }
    const size = this.#program.weights === 'plain' ? 2 : 3;
    return { level, scale: scale!, size, ring: 'main' };
  }

  #end(source: Register): void {
    const type = this.#registers.get(source);
    if (type === undefined) this.#refuse(`reads register ${source} before it is written`);
    if ((type.ring === 'result') !== (this.#program.resultRing !== undefined)) {
      this.#refuse('the answer must be in the result ring exactly where the program names one');
    }
    this.#output = source;
  }

  /** The type of an instruction's result. */
  #derive(instruction: Exclude<Instruction, { op: 'output' }>): RegisterType {
    switch (instruction.op) {
      case 'encrypt': {
        const input = this.#program.inputs[instruction.input];
        if (input === undefined) this.#refuse(`input ${instruction.input} does not exist`);
        if (this.#usedInputs.has(instruction.input)) {
          this.#refuse(`encrypts input ${instruction.input} a second time`);
        }
        this.#usedInputs.add(instruction.input);
        return { level: input.level, scale: input.scale, size: 2, ring: 'main' };
      }
      case 'inner':
        return this.#weightedSum(instruction.terms, 'Q');
      case 'rotate-inner':
        return this.#weightedSum(instruction.terms, 'QP');
      case 'rotate': {
        const type = this.#read(instruction.source);
        this.#rotation(instruction.step, type.level);
        return type;
      }
      case 'fold': {
        const type = this.#read(instruction.source);
        const count = instruction.steps.length;
        if (count < 1 || count > ProgramLimits.foldSteps) {
          this.#refuse(`${count} steps: expected 1 to ${ProgramLimits.foldSteps}`);
        }
        for (const step of instruction.steps) this.#rotation(step, type.level);
        for (const round of foldRounds(instruction.steps)) {
          for (const step of round.slice(2)) this.#required.rotation(step, type.level);
        }
        return type;
      }
      case 'square':
        return this.#product(instruction.source, instruction.source);
      case 'multiply':
        return this.#product(instruction.left, instruction.right);
      case 'add': {
        const left = this.#read(instruction.left, 'any');
        const right = this.#read(instruction.right, 'any');
        if (left.level !== right.level) this.#refuse(`adds levels ${left.level} and ${right.level}`);
        this.#sameScale(left.scale, right.scale);
        return left.size === 3 ? left : { ...left, size: right.size };
      }
      case 'add-constant': {
        const type = this.#read(instruction.source, 'any');
        const constant = this.#constant(instruction.constant, 'Q', type.level);
        this.#sameScale(type.scale, constant.scale);
        return type;
      }
      case 'relinearize': {
        const type = this.#read(instruction.source, 'any');
        if (type.size !== 3) this.#refuse(`register ${instruction.source} has size 2 already`);
        if (this.#parameters.specialModuli.length === 0) this.#refuse('needs a special prime');
        this.#required.relinearization(type.level);
        return { ...type, size: 2 };
      }
      case 'rescale': {
        const type = this.#read(instruction.source, 'any');
        if (type.level === 0) this.#refuse(`register ${instruction.source} is at level 0 already`);
        const scale = type.scale / this.#parameters.moduli[type.level]!;
        return { ...type, level: type.level - 1, scale };
      }
      case 'drop-level': {
        const type = this.#read(instruction.source, 'any');
        if (!(instruction.level < type.level)) {
          this.#refuse(`drops to level ${instruction.level} from ${type.level}`);
        }
        return { ...type, level: instruction.level };
      }
      case 'switch-ring': {
        const type = this.#read(instruction.source);
        const ring = this.#program.resultRing;
        if (ring === undefined) this.#refuse('the program names no result ring');
        if (type.level !== 0)
          this.#refuse(`register ${instruction.source} is at level ${type.level}: expected 0`);
        const scale = (type.scale * ring.modulus) / this.#parameters.moduli[0]!;
        this.#required.ringSwitch(ring.ringDegree);
        if (!(scale >= 1)) this.#refuse('the scale does not survive the modulus of the result ring');
        return { level: 0, scale, size: 2, ring: 'result' };
      }
    }
  }

  #product(leftRegister: Register, rightRegister: Register): RegisterType {
    const left = this.#read(leftRegister);
    const right = this.#read(rightRegister);
    if (left.level !== right.level) this.#refuse(`multiplies levels ${left.level} and ${right.level}`);
    return { ...left, scale: left.scale * right.scale, size: 3 };
  }
}
