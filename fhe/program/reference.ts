import type {
  CKKSEncoder,
  Encryptor,
  Evaluator,
  GaloisKeys,
  RelinKeys,
  Ciphertext as SealCiphertext,
} from 'node-seal/throws';
import type { AnswerForm } from '../ckks/answer.ts';
import type { Ciphertext } from '../ckks/ciphertext.ts';
import { decodeEvaluationKeys, type EvaluationKeys } from '../ckks/evaluation-keys.ts';
import { createRingSwitch } from '../ckks/ring-switch.ts';
import {
  decodeCiphertext,
  decodeConstants,
  decodePublicKey,
  expandCiphertext,
} from '../ckks/serialization.ts';
import { FheError } from '../errors.ts';
import { normalizeStep } from '../ring/automorphism.ts';
import { CenteredKeySwitching } from '../seal/centered-key-switching.ts';
import { createSealContext, type SealContext } from '../seal/context.ts';
import {
  fromSealCiphertext,
  toSealCiphertext,
  toSealGaloisKeys,
  toSealPublicKey,
  toSealRelinKeys,
} from '../seal/convert.ts';
import { guardSeal, SealScope } from '../seal/runtime.ts';
import { answerFormOf } from './answer-form-of.ts';
import type { Interpreter, InterpreterMaterial, RunResult } from './interpreter.ts';
import { lastUses, readRegisters } from './liveness.ts';
import { packInputs } from './pack-inputs.ts';
import type { Instruction, Register } from './program.ts';
import { checkKeys } from './requirements.ts';
import type { VerifiedProgram } from './verifier.ts';

/** How SEAL is asked to switch keys. */
export type ReferenceOptions = {
  /** `centered` (the default): as precise as the engine; `seal`: as SEAL does it, the baseline for speed. */
  readonly digits?: 'centered' | 'seal';
};

/**
 * Binds a program to its material, using node-seal: slow, and the reference for the engine.
 *
 * @throws FheError FHE_FORMAT and FHE_TOO_LARGE as the decoders;
 * FHE_KEY_MISSING where a key is missing or truncated below a use; FHE_PROGRAM for what SEAL does not support (more than one special prime).
 */
export async function createReferenceInterpreter(
  material: InterpreterMaterial,
  { digits = 'centered' }: ReferenceOptions = {},
): Promise<Interpreter> {
  const verified = material.program;
  const { parameters, program, requirements } = verified;
  if (parameters.specialModuli.length > 1) {
    throw new FheError(
      'FHE_PROGRAM',
      `the reference interpreter knows one special prime: the program has ${parameters.specialModuli.length}`,
    );
  }
  if (program.weights === 'plain')
    throw new FheError('FHE_PROGRAM', 'the reference interpreter knows encrypted constants only');
  const publicKey = decodePublicKey(parameters, material.publicKey);
  const keys = decodeEvaluationKeys(parameters, material.evaluationKeys);
  checkKeys(requirements, keys);
  const constants = decodeConstants(parameters, program.constants, material.constants);

  const bridge = await createSealContext(parameters);
  const scope = new SealScope();
  scope.own({ delete: bridge.close });
  try {
    const { seal, context } = bridge;
    const evaluator = scope.own(new seal.Evaluator(context));
    const tools: Tools = {
      evaluator,
      centered: digits === 'centered' ? new CenteredKeySwitching(bridge, evaluator, scope) : null,
      encoder: scope.own(new seal.CKKSEncoder(context)),
      encryptor: scope.own(new seal.Encryptor(context, scope.own(toSealPublicKey(bridge, publicKey)))),
      ...loadKeys(bridge, scope, keys),
      constants: constants.map((constant) =>
        scope.own(toSealCiphertext(bridge, expandCiphertext(parameters, constant))),
      ),
      ringSwitch:
        program.resultRing === undefined
          ? null
          : createRingSwitch(parameters, program.resultRing, keys.ringSwitch!),
    };
    return new ReferenceInterpreter(verified, bridge, tools, scope);
  } catch (error) {
    scope[Symbol.dispose]();
    throw error;
  }
}

type Tools = {
  readonly evaluator: Evaluator;
  readonly centered: CenteredKeySwitching | null;
  readonly encoder: CKKSEncoder;
  readonly encryptor: Encryptor;
  readonly relinearization: RelinKeys | null;
  readonly rotations: ReadonlyMap<number, GaloisKeys>;
  readonly constants: readonly SealCiphertext[];
  readonly ringSwitch: ((ciphertext: Ciphertext) => Ciphertext) | null;
};

function loadKeys(
  bridge: SealContext,
  scope: SealScope,
  keys: EvaluationKeys,
): Pick<Tools, 'relinearization' | 'rotations'> {
  const rotations = new Map<number, GaloisKeys>();
  for (const [step, key] of keys.rotations) {
    rotations.set(step, scope.own(toSealGaloisKeys(bridge, step, key)));
  }
  return {
    relinearization:
      keys.relinearization === null ? null : scope.own(toSealRelinKeys(bridge, keys.relinearization)),
    rotations,
  };
}

/** Makes the ciphertext of one input. */
type InputSource = (input: number) => SealCiphertext;

class ReferenceInterpreter implements Interpreter {
  readonly kind = 'reference';
  readonly #verified: VerifiedProgram;
  readonly #bridge: SealContext;
  readonly #tools: Tools;
  readonly #scope: SealScope;
  readonly #form: AnswerForm;
  readonly #lastUses: ReadonlyMap<Register, number>;
  #closed = false;

  constructor(verified: VerifiedProgram, bridge: SealContext, tools: Tools, scope: SealScope) {
    this.#verified = verified;
    this.#bridge = bridge;
    this.#tools = tools;
    this.#scope = scope;
    this.#form = answerFormOf(verified);
    this.#lastUses = lastUses(verified.program.instructions);
  }

  run(values: Float32Array, seed?: Uint8Array): RunResult {
    if (seed !== undefined)
      throw new FheError(
        'FHE_RANGE',
        'the reference interpreter takes no seed: SEAL draws its own randomness',
      );
    const slots = packInputs(this.#verified.program, values);
    let encryptMs = 0;
    const start = performance.now();
    const ciphertext = this.#evaluate((input) => {
      const from = performance.now();
      const encrypted = this.#encrypt(slots[input]!, input);
      encryptMs += performance.now() - from;
      return encrypted;
    });
    return { ciphertext, timings: { encryptMs, evaluateMs: performance.now() - start - encryptMs } };
  }

  runEncrypted(inputs: readonly Uint8Array[]): Uint8Array {
    const { program, parameters } = this.#verified;
    if (inputs.length !== program.inputs.length) {
      throw new FheError('FHE_RANGE', `${inputs.length} inputs: the program has ${program.inputs.length}`);
    }
    return this.#evaluate((index) => {
      const ciphertext = decodeCiphertext(parameters, inputs[index]!);
      const { level, scale } = program.inputs[index]!;
      if (ciphertext.size !== 2 || ciphertext.level !== level || ciphertext.scale !== scale) {
        throw new FheError(
          'FHE_FORMAT',
          `input ${index} has another size, level or scale than the program says`,
        );
      }
      return toSealCiphertext(this.#bridge, ciphertext);
    });
  }

  async close(): Promise<void> {
    if (!this.#closed) this.#scope[Symbol.dispose]();
    this.#closed = true;
  }

  #encrypt(slots: Float64Array, input: number): SealCiphertext {
    const { seal } = this.#bridge;
    const { encoder, encryptor, evaluator } = this.#tools;
    const { level, scale } = this.#verified.program.inputs[input]!;
    using temporary = new SealScope();
    const plaintext = temporary.own(new seal.Plaintext());
    encoder.encode(slots, scale, plaintext);
    if (level < this.#verified.parameters.maxLevel) {
      evaluator.plainModSwitchToInplace(plaintext, this.#bridge.levelId(level));
    }
    return this.#make((out) => encryptor.encrypt(plaintext, out));
  }

  /** Fills a new ciphertext; deletes it if SEAL throws. */
  #make(fill: (out: SealCiphertext) => void): SealCiphertext {
    const out = new this.#bridge.seal.Ciphertext();
    try {
      fill(out);
      return out;
    } catch (error) {
      out.delete();
      throw error;
    }
  }

  #evaluate(input: InputSource): Uint8Array {
    if (this.#closed) throw new FheError('FHE_STATE', 'the interpreter is closed');
    const { program, output } = this.#verified;
    const registers = new Map<Register, SealCiphertext>();
    try {
      program.instructions.forEach((instruction, index) => {
        if (instruction.op === 'output') return;
        const made = guardSeal(`run instruction ${index} (${instruction.op})`, () =>
          this.#step(instruction, registers, input),
        );
        registers.set(instruction.out, made);
        for (const register of [...readRegisters(instruction), instruction.out]) {
          if ((this.#lastUses.get(register) ?? -1) > index) continue;
          registers.get(register)?.delete();
          registers.delete(register);
        }
      });
      const answer = fromSealCiphertext(this.#bridge, registers.get(output)!);
      // SEAL has one ring: the switch, always the last step before the output, is done outside of it.
      const { ringSwitch } = this.#tools;
      return this.#form.encode(ringSwitch === null ? answer : ringSwitch(answer));
    } finally {
      for (const register of registers.values()) register.delete();
    }
  }

  #step(
    instruction: Exclude<Instruction, { op: 'output' }>,
    registers: ReadonlyMap<Register, SealCiphertext>,
    input: InputSource,
  ): SealCiphertext {
    const { evaluator, constants, relinearization } = this.#tools;
    const read = (register: Register): SealCiphertext => registers.get(register)!;
    switch (instruction.op) {
      case 'encrypt':
        return input(instruction.input);
      case 'inner':
        return this.#weightedSum(
          instruction.terms.map((term) => ({ ...term, step: 0 })),
          read,
        );
      case 'rotate-inner':
        return this.#weightedSum(instruction.terms, read);
      case 'rotate':
        return this.#rotate(read(instruction.source), instruction.step);
      case 'fold':
        return this.#fold(read(instruction.source), instruction.steps);
      case 'square':
        return this.#make((out) => evaluator.square(read(instruction.source), out));
      case 'multiply':
        return this.#make((out) => evaluator.multiply(read(instruction.left), read(instruction.right), out));
      case 'add':
        return this.#add(read(instruction.left), read(instruction.right));
      case 'add-constant':
        return this.#add(read(instruction.source), constants[instruction.constant]!);
      case 'relinearize':
        return this.#make((out) =>
          (this.#tools.centered ?? evaluator).relinearize(read(instruction.source), relinearization!, out),
        );
      case 'rescale':
        return this.#make((out) => evaluator.rescaleToNext(read(instruction.source), out));
      case 'drop-level': {
        const id = this.#bridge.levelId(instruction.level);
        return this.#make((out) => evaluator.cipherModSwitchTo(read(instruction.source), id, out));
      }
      case 'switch-ring':
        return read(instruction.source).copy();
    }
  }

  #rotate(source: SealCiphertext, step: number): SealCiphertext {
    const normalized = normalizeStep(step, this.#verified.parameters.ringDegree);
    if (normalized === 0) return source.copy();
    const { centered, evaluator, rotations } = this.#tools;
    const keys = rotations.get(normalized)!;
    return this.#make((out) =>
      centered === null
        ? evaluator.rotateVector(source, normalized, keys, out)
        : centered.rotate(source, normalized, keys, out),
    );
  }

  #fold(source: SealCiphertext, steps: readonly number[]): SealCiphertext {
    const sum = source.copy();
    try {
      for (const step of steps) this.#addInPlace(sum, this.#rotate(sum, step));
      return sum;
    } catch (error) {
      sum.delete();
      throw error;
    }
  }

  /** Σ rot(source, step) · constant, a constant modulo Q·P reduced to Q: by the definition, not the fast way. */
  #weightedSum(
    terms: readonly { readonly source: Register; readonly step: number; readonly constant: number }[],
    read: (register: Register) => SealCiphertext,
  ): SealCiphertext {
    let sum: SealCiphertext | null = null;
    try {
      for (const { source, step, constant } of terms) {
        using temporary = new SealScope();
        const rotated = temporary.own(this.#rotate(read(source), step));
        const product = this.#make((out) =>
          this.#tools.evaluator.multiply(rotated, this.#tools.constants[constant]!, out),
        );
        if (sum === null) sum = product;
        else this.#addInPlace(sum, product);
      }
      return sum!;
    } catch (error) {
      sum?.delete();
      throw error;
    }
  }

  /** Adds and deletes `term`. SEAL requires equal scales; the verifier ensured that they agree within 2^-20. */
  #addInPlace(sum: SealCiphertext, term: SealCiphertext): void {
    try {
      term.setScale(sum.scale());
      this.#tools.evaluator.addInplace(sum, term);
    } finally {
      term.delete();
    }
  }

  #add(left: SealCiphertext, right: SealCiphertext): SealCiphertext {
    const sum = left.copy();
    try {
      this.#addInPlace(sum, right.copy());
      return sum;
    } catch (error) {
      sum.delete();
      throw error;
    }
  }
}
