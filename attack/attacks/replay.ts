import type { Attack } from '../attack.ts';
import { honestAnswer } from '../honest-answer.ts';

const ANSWERS = 20;
const HOUR_MS = 3_600_000;

/** Shows an answer that the network did give again, under new numbers: now, and for other times. Its opening is of the time before. */
export const replay: Attack = {
  name: 'replay',
  sentence: 'sends an old answer again under new numbers and for other times, and opens it',
  goesOn: true,
  async run({ site, size, onProgress }) {
    const ciphertext = await honestAnswer(site);
    const first = await site.publish([ciphertext]);
    const count = Math.max(2, Math.round(size * ANSWERS));
    let recovered = 0;
    for (let i = 0; i < count; i++) {
      const frameTimeMs = site.clock.now() - (i % 2) * HOUR_MS - 60;
      const told = await site.send({ ciphertext, frameTimeMs });
      if (told !== null && told.join() === first[0]?.join()) recovered++;
    }
    onProgress(1);
    return { answersUsed: count, recovered, of: count, noun: 'old answers published anew' };
  },
};
