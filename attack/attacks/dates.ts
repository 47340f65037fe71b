import type { Attack } from '../attack.ts';
import { honestAnswer } from '../honest-answer.ts';

const DAY_MS = 86_400_000;
/** Days from now: beyond what an outbox keeps, before the gateway was enrolled, and times to come. */
const DAYS = [-29, -4, -3.2, -1.5, 0.01, 1, 29, 3650];

/** Dates answers where nobody looks, or where they stay in front for good. */
export const dates: Attack = {
  name: 'dates',
  sentence: 'dates answers far back, so that they stay off the page, and far ahead',
  goesOn: false,
  async run({ site, onProgress }) {
    const ciphertext = await honestAnswer(site);
    let recovered = 0;
    for (const days of DAYS) {
      const frameTimeMs = Math.max(0, site.clock.now() + days * DAY_MS);
      if ((await site.send({ ciphertext, frameTimeMs })) !== null) recovered++;
    }
    onProgress(1);
    return {
      answersUsed: DAYS.length,
      recovered,
      of: DAYS.length,
      noun: 'answers published with such dates',
    };
  },
};
