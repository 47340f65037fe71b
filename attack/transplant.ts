import type { Envelope } from '#protocol/envelope.ts';
import type { Attack } from './attack.ts';
import { HonestGateway } from './honest-gateway.ts';
import type { SiteUnderAttack } from './site-under-attack.ts';

const ANSWERS = 20;

export type Transplant = Pick<Attack, 'name' | 'sentence'> & {
  /** What of it is published where it works. */
  readonly noun: string;
  /** What the envelope says in place of what the answer was computed for. */
  readonly place: (site: SiteUnderAttack) => Promise<Partial<Envelope>>;
};

/** Sends honest answers as if they were about something else, and offers their own openings, which are honest, too. */
export function transplant({ name, sentence, noun, place }: Transplant): Attack {
  return {
    name,
    sentence,
    goesOn: true,
    async run({ site, size, onProgress }) {
      const elsewhere = await place(site);
      const honest = await HonestGateway.open(site.gateway);
      try {
        const count = Math.max(2, Math.round(size * ANSWERS));
        let [sent, recovered] = [0, 0];
        while (sent < count && site.caughtAfter() === null) {
          const here = site.place();
          const answer = honest.answer(here);
          site.keep(answer);
          const { ciphertext } = answer;
          if ((await site.send({ ...here, ciphertext, ...elsewhere })) !== null) recovered++;
          onProgress(++sent / count);
        }
        return { answersUsed: sent, recovered, of: sent, noun };
      } finally {
        await honest.close();
      }
    },
  };
}
