import { createEngineInterpreter, type Interpreter, type InterpreterMaterial } from '#fhe';
import { createEncoder, createRing, encodeCiphertext, encodeConstants, mulMod } from '#fhe/testing';
import { CLASSES, type Complex, LEAF } from './leaf.ts';
import { makeOracleProgram, type OracleProgram, SOURCE_SCALE } from './oracle-program.ts';

/** Which logit is read in which slot of an answer, −1 where it must be zero: the layout follows from the compiler and the program, both public. */
export type Layout = Int32Array;

/** What an answer asks: logit l becomes Re Σ_c weights[l][c] · M_c + offsets[l], in slot units, where M_c are the slots of what was traced. */
export type Question = {
  readonly weights: readonly (readonly Complex[])[];
  readonly offsets: readonly number[];
};

/** A question as ciphertexts without randomness, which the gateway's machine takes like any other. */
export type WrittenQuestion = readonly Uint8Array[];

/**
 * Makes answers that pass every check of the slots out of any ciphertext, with what a gateway holds: public and evaluation keys, the program, and the machine
 * that runs programs.
 */
export class Shaper {
  readonly #oracle: OracleProgram;
  readonly #interpreter: Interpreter;
  readonly #layout: Layout;
  readonly #ring: ReturnType<typeof createRing>;
  readonly #encoder: ReturnType<typeof createEncoder>;

  private constructor(oracle: OracleProgram, interpreter: Interpreter, layout: Layout) {
    this.#oracle = oracle;
    this.#interpreter = interpreter;
    this.#layout = layout;
    this.#ring = createRing(oracle.program.parameters.ringDegree);
    this.#encoder = createEncoder(oracle.program.parameters, this.#ring);
  }

  /** @param material what the gateway was given; nothing else is used. */
  static async open(material: InterpreterMaterial, layout: Layout): Promise<Shaper> {
    const oracle = makeOracleProgram(material.program);
    const constants = encodeConstants(oracle.program.parameters, []);
    const interpreter = await createEngineInterpreter(
      { ...material, program: oracle.program, constants },
      { threads: 2 },
    );
    return new Shaper(oracle, interpreter, layout);
  }

  /** Number of leaves of the secret key. */
  get leaves(): number {
    return this.#oracle.program.parameters.ringDegree / LEAF;
  }

  /** Whether one slot can show any combination of a leaf's coefficients; if not, only what its own class of slots holds. */
  get mixesClasses(): boolean {
    return this.#oracle.rotations.length === CLASSES;
  }

  /** The classes of slots in which a logit is read. */
  classesOf(logit: number): number[] {
    const classes = new Set<number>();
    this.#layout.forEach((one, slot) => {
      if (one === logit) classes.add(slot % CLASSES);
    });
    return [...classes];
  }

  write(question: Question): WrittenQuestion {
    const { parameters } = this.#oracle.program;
    const slots = parameters.ringDegree / 2;
    const masks = this.#oracle.rotations.map((rotation) => {
      const [re, im] = [new Float64Array(slots), new Float64Array(slots)];
      for (let slot = 0; slot < slots; slot++) {
        const logit = this.#layout[slot % this.#layout.length]!;
        if (logit < 0) continue;
        const weight = question.weights[logit]![(slot + rotation) % CLASSES]!;
        re[slot] = weight[0];
        // X^(N/2) is i in one half of the slots and −i in the other.
        im[slot] = slot % 2 === 0 ? weight[1] : -weight[1];
      }
      return this.#writePlain(1, this.#oracle.maskScale, re, im);
    });
    const offset = Float64Array.from({ length: slots }, (_, slot) => {
      const logit = this.#layout[slot % this.#layout.length]!;
      return logit < 0 ? 0 : question.offsets[logit]!;
    });
    return [...masks, this.#writePlain(0, this.#oracle.offsetScale, offset, null)];
  }

  /** An answer about leaf b of the secret key: (0, X^(−b)) decrypts to X^(−b)·s. */
  askLeaf(leaf: number, question: WrittenQuestion): Uint8Array {
    const { parameters } = this.#oracle.program;
    const degree = parameters.ringDegree;
    const unit = SOURCE_SCALE / (degree / LEAF);
    const residues = new Uint32Array(4 * degree);
    parameters.moduli.slice(0, 2).forEach((q, limb) => {
      const polynomial = residues.subarray((2 + limb) * degree, (3 + limb) * degree);
      // X^(−b) = −X^(N − b).
      if (leaf === 0) polynomial[0] = unit % q;
      else polynomial[degree - leaf] = q - (unit % q);
      this.#ring.ntt(q).forward(polynomial);
    });
    return this.ask(this.#serialize(1, SOURCE_SCALE, residues), question);
  }

  /** An answer about any ciphertext of level 1 and scale {@link SOURCE_SCALE}, traced. */
  ask(source: Uint8Array, question: WrittenQuestion): Uint8Array {
    return this.#interpreter.runEncrypted([source, ...question]);
  }

  /** An answer that says what the liar likes: a ciphertext of zero, and the logits as its offset. */
  say(logits: readonly number[]): Uint8Array {
    const none = this.write({
      weights: logits.map(() => Array.from({ length: CLASSES }, (): Complex => [0, 0])),
      offsets: logits,
    });
    return this.askLeaf(0, none);
  }

  close(): Promise<void> {
    return this.#interpreter.close();
  }

  /** (re + i·im, 0) at a level. */
  #writePlain(level: number, scale: number, re: Float64Array, im: Float64Array | null): Uint8Array {
    const { parameters } = this.#oracle.program;
    const degree = parameters.ringDegree;
    const half = (level + 1) * degree;
    const residues = new Uint32Array(2 * half);
    residues.set(this.#encoder.encode(re, { level, scale }));
    if (im !== null) {
      const imaginary = this.#encoder.encode(im, { level, scale });
      parameters.moduli.slice(0, level + 1).forEach((q, limb) => {
        const turn = new Uint32Array(degree);
        turn[degree / 2] = 1;
        this.#ring.ntt(q).forward(turn);
        for (let i = 0, at = limb * degree; i < degree; i++, at++) {
          residues[at] = (residues[at]! + mulMod(imaginary[at]!, turn[i]!, q)) % q;
        }
      });
    }
    return this.#serialize(level, scale, residues);
  }

  #serialize(level: number, scale: number, residues: Uint32Array): Uint8Array {
    return encodeCiphertext(this.#oracle.program.parameters, { size: 2, level, scale, residues });
  }
}
