import { HonestGateway } from './honest-gateway.ts';
import type { SiteUnderAttack } from './site-under-attack.ts';

/** An honest answer of the gateway about the moment at hand, which it opens whenever it is asked to. @returns its ciphertext */
export async function honestAnswer(site: SiteUnderAttack): Promise<Uint8Array> {
  const honest = await HonestGateway.open(site.gateway);
  try {
    const answer = honest.answer(site.place());
    site.keep(answer);
    return answer.ciphertext;
  } finally {
    await honest.close();
  }
}
