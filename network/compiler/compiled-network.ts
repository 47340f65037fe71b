import type { Interpretation, PictureShape, Program, VerifiedProgram } from '#fhe';
import type { AnswerTask } from '#network/model/description/answer-task.ts';

/** What the owner says about a network besides its graph. */
export type CompileOptions = {
  /** Public name, for the program; the graph's own name by default. */
  readonly name?: string;
  /** One label for each logit; for a map, one for each of its layers. */
  readonly labels: readonly string[];
  /** What the outputs mean; a classification by default. */
  readonly task?: AnswerTask;
  /** Of a map; see `Interpretation`. */
  readonly map?: NonNullable<Interpretation['map']>;
  readonly decoding?: NonNullable<Interpretation['decoding']>;
  /** Largest magnitude that calibration found before each square (`calibrateSteps`). */
  readonly activationRanges: readonly number[];
  /** Largest |logit| that calibration found. */
  readonly logitRange: number;
  /** How the gateway prepares a picture's values; byte / 255 without motion by default. */
  readonly picture?: Pick<PictureShape, 'light' | 'motion'>;
  /** Pictures that one ciphertext answers, a power of two; 1 by default. Each gets a part of the slots. */
  readonly regions?: number;
};

/** One line of the report: a linear stage and how it is evaluated. */
export type StageReport = {
  readonly inputs: number;
  readonly outputs: number;
  readonly plan: 'patches' | 'hoisted' | 'baby-giant';
  readonly level: number;
  readonly rotations: number;
  readonly products: number;
  /** Layout of the outputs. */
  readonly layout: string;
  /** Ciphertexts that the outputs take. */
  readonly ciphertexts: number;
};

/** The cost of protecting a network; sizes of constants and keys follow from the program. */
export type CompileReport = {
  readonly ringDegree: number;
  readonly logQP: number;
  readonly levels: number;
  readonly inputs: number;
  readonly constants: number;
  readonly rotations: number;
  readonly memoryBytes: number;
  readonly stages: readonly StageReport[];
};

/** A network as a program; `constants` are the slot values that the owner encrypts. */
export type CompiledNetwork = {
  readonly program: Program;
  /** The same with its levels, scales and sizes. */
  readonly verified: VerifiedProgram;
  readonly constants: readonly Float64Array[];
  readonly interpretation: Interpretation;
  readonly report: CompileReport;
};
