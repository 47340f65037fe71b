import { createEngineInterpreter, type Program, type VerifiedProgram, verifyProgram } from '#fhe';
import { runClear } from '#fhe/design';
import { createEncoder, decodeConstants, encodeCiphertext, expandCiphertext } from '#fhe/testing';
import type { Attack } from '../attack.ts';
import { makeOpener } from '../shaping/open-with-key.ts';
import type { SiteUnderAttack } from '../site-under-attack.ts';

const NEURONS = 16;
/** Answers about each value: each is told with another noise. */
const REPEATS = 4;
/** Of the activation that is made up. */
const HEIGHT = 0.2;
/** How far a probability may be from what the owner's own weights give, for noise and rounding. */
const NEAR = 0.12;

/** Enters the honest program before its last layer, with made-up activations: the answer is a column of that layer's weights. */
export const betweenLayers: Attack = {
  name: 'between-layers',
  sentence:
    'enters the honest program before its last layer with made-up values, and reads that layer off the answers',
  goesOn: true,
  async run({ site, size, onProgress }) {
    const { gateway } = site;
    const tail = tailOf(gateway.material.program);
    const interpreter = await createEngineInterpreter({ ...gateway.material, program: tail }, { threads: 1 });
    try {
      const count = Math.max(2, Math.round(size * NEURONS));
      const truth = clearTail(site, tail);
      let [recovered, of, answersUsed] = [0, 0, 0];
      for (let neuron = 0; neuron < count; neuron++) {
        const values = new Float64Array(gateway.material.program.parameters.ringDegree / 2);
        values[neuron] = HEIGHT;
        const answers: Uint8Array[] = [];
        for (let repeat = 0; repeat < REPEATS; repeat++) {
          // Far below what anybody sees, and another ciphertext.
          values[neuron] = HEIGHT + repeat * 1e-6;
          answers.push(interpreter.runEncrypted([trivial(tail, values)]));
        }
        answersUsed += answers.length;
        const told = (await site.publish(answers)).filter((one) => one !== null);
        const expected = truth(values);
        expected.forEach((share, label) => {
          of++;
          const mean = told.reduce((sum, one) => sum + one[label]!, 0) / told.length;
          if (Math.abs(mean - share) <= NEAR) recovered++;
        });
        onProgress((neuron + 1) / count);
      }
      return { answersUsed, recovered, of, noun: 'responses of the last layer' };
    } finally {
      await interpreter.close();
    }
  },
};

/** What follows the last square, as a program of its own whose only input is the value there. */
function tailOf({ program, registers }: VerifiedProgram): VerifiedProgram {
  const square = program.instructions.findLastIndex(({ op }) => op === 'square');
  const from = program.instructions.findIndex(({ op }, i) => i > square && op === 'rescale');
  const before = program.instructions[from] as Extract<Program['instructions'][number], { op: 'rescale' }>;
  const slots = program.parameters.ringDegree / 2;
  const side = Math.sqrt(slots);
  const { level, scale } = registers.get(before.out)!;
  const { regions: _, ...same } = program;
  return verifyProgram({
    ...same,
    picture: {
      channels: 1,
      height: 2 ** Math.floor(Math.log2(side)),
      width: slots / 2 ** Math.floor(Math.log2(side)),
    },
    inputs: [{ level, scale, slots: Int32Array.from({ length: slots }, (_, i) => i) }],
    instructions: [{ op: 'encrypt', out: before.out, input: 0 }, ...program.instructions.slice(from + 1)],
  });
}

/** Values that are not encrypted at all, in the form of a ciphertext. */
function trivial({ parameters, program }: VerifiedProgram, values: Float64Array): Uint8Array {
  const { level, scale } = program.inputs[0]!;
  const residues = new Uint32Array(2 * (level + 1) * parameters.ringDegree);
  residues.set(createEncoder(parameters).encode(values, { level, scale }));
  return encodeCiphertext(parameters, { size: 2, level, scale, residues });
}

/** What the owner's own weights answer, to compare. */
function clearTail(
  { gateway, secretKey, unit }: Pick<SiteUnderAttack, 'gateway' | 'secretKey' | 'unit'>,
  tail: VerifiedProgram,
): (values: Float64Array) => number[] {
  const { parameters } = tail;
  const open = makeOpener(parameters, secretKey);
  const constants = decodeConstants(parameters, tail.program.constants, gateway.material.constants).map(
    (one) => open(expandCiphertext(parameters, one)),
  );
  return (values) => {
    const slots = runClear(tail, constants, Float32Array.from(values));
    const logits = gateway.labels.map((_, label) => slots[gateway.layout.indexOf(label)]! * unit);
    const top = Math.max(...logits);
    const powers = logits.map((logit) => Math.exp(logit - top));
    const sum = powers.reduce((total, power) => total + power, 0);
    return powers.map((power) => power / sum);
  };
}
