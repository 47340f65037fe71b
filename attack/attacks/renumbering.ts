import type { Attack } from '../attack.ts';
import { HonestGateway } from '../honest-gateway.ts';

const ANSWERS = 10;

/** Shows each honest answer about the same moment once more under another number: an audit would find both equal. */
export const renumbering: Attack = {
  name: 'renumbering',
  sentence: 'sends each honest answer again under another number, and opens it',
  goesOn: false,
  async run({ site, size, onProgress }) {
    const honest = await HonestGateway.open(site.gateway);
    try {
      const count = Math.max(2, Math.round(size * ANSWERS));
      let recovered = 0;
      for (let i = 0; i < count; i++) {
        const place = site.place();
        const answer = honest.answer(place);
        site.keep(answer);
        const { ciphertext } = answer;
        await site.send({ ...place, ciphertext });
        if ((await site.send({ ...place, ciphertext })) !== null) recovered++;
        onProgress((i + 1) / count);
      }
      return { answersUsed: 2 * count, recovered, of: count, noun: 'answers published a second time' };
    } finally {
      await honest.close();
    }
  },
};
