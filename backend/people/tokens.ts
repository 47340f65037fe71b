import { BlindsightError } from '#protocol/errors.ts';
import type { Role } from '#protocol/roles.ts';
import { type Clock, systemClock } from '#runtime/clock.ts';
import type { Site } from '../site.ts';
import { isPersonName, PERSON_NAME_WORDS } from './identity.ts';
import { hashOf, newSecret } from './secrets.ts';

const DAY_MS = 86_400_000;
/** By which people and scanners recognize a token of Blindsight. */
const PREFIX = 'blindsight_';

export type NewToken = {
  readonly name: string;
  readonly role: Role;
  /** Null for one that does not expire. */
  readonly days: number | null;
};

/**
 * Makes a token for a program.
 *
 * @returns the token: this once, because the store has only its hash
 * @throws BlindsightError PERSON_NAME_INVALID, TOKEN_EXISTS.
 */
export async function addToken(
  { store }: Pick<Site, 'store'>,
  { name, role, days }: NewToken,
  clock: Clock = systemClock,
): Promise<string> {
  if (!isPersonName(name))
    throw new BlindsightError(
      'PERSON_NAME_INVALID',
      `${JSON.stringify(name)} is no name: ${PERSON_NAME_WORDS}`,
    );
  const token = `${PREFIX}${newSecret()}`;
  const createdMs = clock.now();
  const endMs = days === null ? null : createdMs + days * DAY_MS;
  if (!(await store.tokens.add({ name, hash: hashOf('token', token), role, createdMs, endMs })))
    throw new BlindsightError('TOKEN_EXISTS', `there is or was a token named ${name}`);
  return token;
}

/** @throws BlindsightError TOKEN_NOT_FOUND */
export async function revokeToken(
  { store }: Pick<Site, 'store'>,
  name: string,
  clock: Clock = systemClock,
): Promise<void> {
  if (!(await store.tokens.revoke(name, clock.now())))
    throw new BlindsightError('TOKEN_NOT_FOUND', `there is no valid token named ${name}`);
}
