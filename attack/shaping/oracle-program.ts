import { type Program, type VerifiedProgram, verifyProgram } from '#fhe';
import { CLASSES } from './leaf.ts';

/** Of the ciphertexts that are shaped, while they are traced: room for noise below and for a mask above. */
export const SOURCE_SCALE = 2 ** 32;

/** A program that the liar writes for the machine that the gateway is, with the keys that the gateway has. */
export type OracleProgram = {
  readonly program: VerifiedProgram;
  /** By how many slots leaves can be rotated: 0 … 3, or 0 alone where keys of small steps are missing. */
  readonly rotations: readonly number[];
  readonly maskScale: number;
  readonly offsetScale: number;
};

/** Steps whose keys the gateway holds at level 1 or above, as the program that it was given needs them. */
function stepsOf({ requirements }: VerifiedProgram): ReadonlySet<number> {
  return new Set(requirements.rotations.filter(({ level }) => level >= 1).map(({ step }) => step));
}

/** Rounds of one or two steps that sum a value over all rotations by multiples of four. */
function foldSteps(slots: number, steps: ReadonlySet<number>): number[][] {
  const doubling: number[] = [];
  for (let step = CLASSES; step < slots; step *= 2) doubling.push(step);
  const missing = doubling.filter((step) => !steps.has(step));
  if (missing.length > 0) throw new Error(`this gateway has no keys to rotate by ${missing.join(', ')}`);
  const rounds: number[][] = [];
  while (doubling.length > 0) {
    const [a, b] = doubling;
    rounds.push(b !== undefined && steps.has(a! + b) ? doubling.splice(0, 2) : doubling.splice(0, 1));
  }
  return rounds;
}

/**
 * Out = Σ_g mask_g ⊙ rot(trace(x), g) + offset in the form of the honest program's answers. Inputs: x at level 1, the masks at level 1, the offset at
 * level 0; all of them bytes that the liar writes.
 *
 * @param honest what the gateway was given
 */
export function makeOracleProgram(honest: VerifiedProgram): OracleProgram {
  const { parameters, resultRing } = honest.program;
  const steps = stepsOf(honest);
  const rotations = [1, 2, 3].every((step) => steps.has(step)) ? [0, 1, 2, 3] : [0];
  const slots = parameters.ringDegree / 2;
  const [q0, q1] = parameters.moduli as [number, number];
  const answerScale = honest.registers.get(honest.output)!.scale;
  const offsetScale = resultRing === undefined ? answerScale : (answerScale * q0) / resultRing.modulus;
  const maskScale = (offsetScale * q1) / SOURCE_SCALE;
  const empty = new Int32Array(slots).fill(-1);
  const input = (level: number, scale: number) => ({ level, scale, slots: empty });
  const instructions: Program['instructions'][number][] = [];
  let next = 0;
  const write = (make: (out: number) => Program['instructions'][number]): number => {
    instructions.push(make(next));
    return next++;
  };
  let source = write((out) => ({ op: 'encrypt', out, input: 0 }));
  for (const round of foldSteps(slots, steps)) {
    const before = source;
    source = write((out) => ({ op: 'fold', out, source: before, steps: round }));
  }
  const products = rotations.map((step, i) => {
    const left = step === 0 ? source : write((out) => ({ op: 'rotate', out, source, step }));
    const right = write((out) => ({ op: 'encrypt', out, input: 1 + i }));
    return write((out) => ({ op: 'multiply', out, left, right }));
  });
  const sum = products.reduce((left, right) => write((out) => ({ op: 'add', out, left, right })));
  const linear = write((out) => ({ op: 'relinearize', out, source: sum }));
  const small = write((out) => ({ op: 'rescale', out, source: linear }));
  const offset = write((out) => ({ op: 'encrypt', out, input: 1 + rotations.length }));
  let answer = write((out) => ({ op: 'add', out, left: small, right: offset }));
  if (resultRing !== undefined) {
    const large = answer;
    answer = write((out) => ({ op: 'switch-ring', out, source: large }));
  }
  instructions.push({ op: 'output', source: answer });
  const program = verifyProgram({
    version: 1,
    name: 'oracle',
    parameters,
    ...(resultRing !== undefined && { resultRing }),
    picture: { channels: 1, height: 1, width: 1 },
    inputs: [input(1, SOURCE_SCALE), ...rotations.map(() => input(1, maskScale)), input(0, offsetScale)],
    constants: [],
    instructions,
  });
  return { program, rotations, maskScale, offsetScale };
}
