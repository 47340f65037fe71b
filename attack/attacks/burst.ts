import type { Attack } from '../attack.ts';
import { honestAnswer } from '../honest-answer.ts';
import { SLOW_CAMERA } from '../site-under-attack.ts';

const ANSWERS = 150;
const MINUTE_MS = 60_000;

/** Sends as many answers as the line carries, all about one minute of a camera that may answer once a second. */
export const burst: Attack = {
  name: 'burst',
  sentence: 'sends many more answers than its camera may give',
  goesOn: false,
  async run({ site, size, onProgress }) {
    const ciphertext = await honestAnswer(site);
    const count = Math.max(80, Math.round(size * ANSWERS));
    const minuteMs = Math.floor(site.clock.now() / MINUTE_MS - 1) * MINUTE_MS;
    let recovered = 0;
    for (let i = 0; i < count; i++) {
      const changes = { camera: SLOW_CAMERA.name, ciphertext, frameTimeMs: minuteMs + i };
      if ((await site.send(changes)) !== null) recovered++;
      onProgress((i + 1) / count);
    }
    return { answersUsed: count, recovered, of: count, noun: 'answers of one minute published' };
  },
};
