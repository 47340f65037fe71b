import { createEngineInterpreter } from '#fhe';
import { createEncoder, encodeCiphertext } from '#fhe/testing';
import type { Attack } from '../attack.ts';

const ANSWERS = 10;
/** The slots of the secret key are some tens; of a picture, below one. */
const AMOUNT = 0.003;

/** Runs the honest program on a gray picture to which slots of the secret key were added: (gray, amount) decrypts to gray + amount · s. */
export const keyAtInput: Attack = {
  name: 'key-at-input',
  sentence: 'mixes the secret key into an encrypted picture, and runs the honest network on it',
  goesOn: true,
  async run({ site, size, onProgress }) {
    const { material } = site.gateway;
    const { parameters, program } = material.program;
    const encoder = createEncoder(parameters);
    const interpreter = await createEngineInterpreter(material, { threads: 1 });
    try {
      const count = Math.max(2, Math.round(size * ANSWERS));
      const answers = Array.from({ length: count }, (_, i) =>
        interpreter.runEncrypted(
          program.inputs.map(({ level, scale, slots }) => {
            const half = (level + 1) * parameters.ringDegree;
            const residues = new Uint32Array(2 * half);
            const gray = Float64Array.from(slots, (index) => (index < 0 ? 0 : 0.4));
            const where = Float64Array.from(slots, (index) =>
              index >= 0 && index % ANSWERS === i ? AMOUNT : 0,
            );
            residues.set(encoder.encode(gray, { level, scale }));
            residues.set(encoder.encode(where, { level, scale }), half);
            return encodeCiphertext(parameters, { size: 2, level, scale, residues });
          }),
        ),
      );
      const told = await site.publish(answers);
      onProgress(1);
      const recovered = told.filter((one) => one !== null).length;
      return { answersUsed: count, recovered, of: count, noun: 'answers about the key published' };
    } finally {
      await interpreter.close();
    }
  },
};
