import {
  createEngineInterpreter,
  type Interpreter,
  type InterpreterMaterial,
  type Program,
  verifyProgram,
} from '#fhe';
import {
  type Ciphertext,
  createEncoder,
  decodeConstants,
  encodeCiphertext,
  encodeConstants,
  expandCiphertext,
} from '#fhe/testing';
import { SOURCE_SCALE } from './oracle-program.ts';

/** The level at which slots are picked: a mask costs one. */
const LEVEL = 2;

/** Takes single slots out of the encrypted constants of a bundle, one for each class, as a source for {@link Shaper.ask}. */
export class SlotPicker {
  readonly #interpreter: Interpreter;
  readonly #program: Program;
  readonly #encoder: ReturnType<typeof createEncoder>;
  readonly #source: Uint8Array;
  /** The constant that is read, at the level at which it is read. */
  readonly constant: Ciphertext;

  private constructor(interpreter: Interpreter, program: Program, constant: Ciphertext) {
    this.#interpreter = interpreter;
    this.#program = program;
    this.#encoder = createEncoder(program.parameters);
    this.constant = constant;
    this.#source = encodeCiphertext(program.parameters, constant);
  }

  /** @param index of a constant; the last of those at level 2 or above where left out */
  static async open(material: InterpreterMaterial, index?: number): Promise<SlotPicker> {
    const { parameters, program: honest } = material.program;
    const at = index ?? honest.constants.findLastIndex(({ level }) => level >= LEVEL);
    const seeded = decodeConstants(parameters, honest.constants, material.constants)[at]!;
    const constant = cut(expandCiphertext(parameters, seeded), parameters.ringDegree);
    const scale = (SOURCE_SCALE * parameters.moduli[LEVEL]!) / constant.scale;
    const empty = new Int32Array(parameters.ringDegree / 2).fill(-1);
    const program: Program = {
      version: 1,
      name: 'pick',
      parameters: honest.parameters,
      picture: { channels: 1, height: 1, width: 1 },
      inputs: [
        { level: LEVEL, scale: constant.scale, slots: empty },
        { level: LEVEL, scale, slots: empty },
      ],
      constants: [],
      instructions: [
        { op: 'encrypt', out: 0, input: 0 },
        { op: 'encrypt', out: 1, input: 1 },
        { op: 'multiply', out: 2, left: 0, right: 1 },
        { op: 'relinearize', out: 3, source: 2 },
        { op: 'rescale', out: 4, source: 3 },
        { op: 'output', source: 4 },
      ],
    };
    const bound = {
      ...material,
      program: verifyProgram(program),
      constants: encodeConstants(parameters, []),
    };
    return new SlotPicker(await createEngineInterpreter(bound, { threads: 1 }), program, constant);
  }

  /** @param slots at most one of each class (its number modulo 4) */
  pick(slots: readonly number[]): Uint8Array {
    const { parameters, inputs } = this.#program;
    const values = new Float64Array(parameters.ringDegree / 2);
    for (const slot of slots) values[slot] = 1;
    const { level, scale } = inputs[1]!;
    const residues = new Uint32Array(2 * (level + 1) * parameters.ringDegree);
    residues.set(this.#encoder.encode(values, { level, scale }));
    const mask = encodeCiphertext(parameters, { size: 2, level, scale, residues });
    return this.#interpreter.runEncrypted([this.#source, mask]);
  }

  close(): Promise<void> {
    return this.#interpreter.close();
  }
}

/** The same ciphertext at {@link LEVEL}. */
function cut({ size, level, scale, residues }: Ciphertext, degree: number): Ciphertext {
  const lower = new Uint32Array(2 * (LEVEL + 1) * degree);
  for (const half of [0, 1]) {
    const from = half * (level + 1) * degree;
    lower.set(residues.subarray(from, from + (LEVEL + 1) * degree), half * (LEVEL + 1) * degree);
  }
  return { size, level: LEVEL, scale, residues: lower };
}
