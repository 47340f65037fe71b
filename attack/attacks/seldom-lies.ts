import type { Attack } from '../attack.ts';
import { HonestGateway } from '../honest-gateway.ts';
import { Shaper } from '../shaping/shaper.ts';

const ANSWERS = 40;
/** One answer of so many is a lie. */
const EVERY = 4;
/** In slot units: far above all others, and within the range. */
const HIGH = 0.5;

/** Lies in one answer of four, at random, and is honest in between, so that most of what is opened is equal. */
export const seldomLies: Attack = {
  name: 'seldom-lies',
  sentence: 'forges one answer of four, and computes and opens the others honestly',
  goesOn: true,
  async run({ site, size, onProgress }) {
    const { gateway } = site;
    const shaper = await Shaper.open(gateway.material, gateway.layout);
    const honest = await HonestGateway.open(gateway);
    try {
      const count = Math.max(EVERY, Math.round(size * ANSWERS));
      let [recovered, of, answersUsed] = [0, 0, 0];
      while (answersUsed < count && site.caughtAfter() === null) {
        answersUsed++;
        if (Math.random() * EVERY >= 1) {
          const place = site.place();
          const answer = honest.answer(place);
          site.keep(answer);
          await site.send({ ...place, ciphertext: answer.ciphertext });
        } else {
          of++;
          const logits = Array.from({ length: gateway.labels.length * gateway.regions }, (_, l) =>
            l % gateway.labels.length === 0 ? HIGH + of * 1e-3 : 0,
          );
          if ((await site.send({ ciphertext: shaper.say(logits) })) !== null) recovered++;
        }
        onProgress(answersUsed / count);
      }
      return { answersUsed, recovered, of, noun: 'forged answers published' };
    } finally {
      await Promise.all([honest.close(), shaper.close()]);
    }
  },
};
