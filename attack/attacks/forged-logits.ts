import type { Attack } from '../attack.ts';
import { Shaper } from '../shaping/shaper.ts';

const ANSWERS = 20;
/** In slot units: far above all others, and within the range. */
const HIGH = 0.5;

/** Encrypts answers of the liar's choice: no network is run, no camera seen. */
export const forgedLogits: Attack = {
  name: 'forged-logits',
  sentence: 'encrypts answers of its own choice, without running the network',
  goesOn: true,
  async run({ site, size, onProgress }) {
    const { gateway } = site;
    const labels = gateway.labels.length;
    const shaper = await Shaper.open(gateway.material, gateway.layout);
    try {
      const count = Math.max(2, Math.round(size * ANSWERS));
      const chosen = Array.from({ length: count }, (_, i) => i % labels);
      const answers = chosen.map((label, i) =>
        shaper.say(
          Array.from({ length: labels * gateway.regions }, (_, l) =>
            l % labels === label ? HIGH + i * 1e-3 : 0,
          ),
        ),
      );
      const told = await site.publish(answers);
      onProgress(1);
      const recovered = told.filter(
        (one, i) => one !== null && one.indexOf(Math.max(...one.slice(0, labels))) === chosen[i],
      ).length;
      return { answersUsed: count, recovered, of: count, noun: 'forged answers published' };
    } finally {
      await shaper.close();
    }
  },
};
