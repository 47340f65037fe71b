import { createPublicKey } from 'node:crypto';
import { type AnswerPart, decodeAnswerPart, verifyAnswerPart } from '#protocol/command-answer.ts';
import { BlindsightError } from '#protocol/errors.ts';
import type { Store } from './store/store.ts';

/**
 * A part of an answer to a command or challenge that came on a gateway's topic, once it is certain that this gateway signed it, for this site.
 *
 * @throws BlindsightError ANSWER_INVALID
 */
export async function authenticatePart(
  store: Store,
  site: string,
  gateway: string,
  payload: Uint8Array,
): Promise<AnswerPart> {
  const decoded = decodeAnswerPart(payload);
  const enrolled = await store.gateways.get(gateway);
  if (enrolled === null || !verifyAnswerPart(decoded, createPublicKey(enrolled.signingKey)))
    throw new BlindsightError('ANSWER_INVALID', `an answer was not signed by ${gateway}`);
  const { part } = decoded;
  if (part.site !== site || part.gateway !== gateway)
    throw new BlindsightError(
      'ANSWER_INVALID',
      `an answer of ${part.gateway} came under the name ${gateway}`,
    );
  return part;
}
