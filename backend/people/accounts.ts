import { BlindsightError } from '#protocol/errors.ts';
import type { Role } from '#protocol/roles.ts';
import { type Clock, systemClock } from '#runtime/clock.ts';
import type { Site } from '../site.ts';
import { isPersonName, PERSON_NAME_WORDS } from './identity.ts';
import { checkPassword, hashPassword, SCRYPT_COST, type ScryptCost } from './password.ts';

type With = Pick<Site, 'store'>;

export type NewPerson = { readonly name: string; readonly role: Role; readonly password: string };

/**
 * Gives a person an account. From the first one on, everybody has to log in.
 *
 * @throws BlindsightError PERSON_NAME_INVALID, PASSWORD_WEAK, PERSON_EXISTS.
 */
export async function addPerson(
  { store }: With,
  { name, role, password }: NewPerson,
  { clock = systemClock, cost = SCRYPT_COST }: { readonly clock?: Clock; readonly cost?: ScryptCost } = {},
): Promise<void> {
  if (!isPersonName(name))
    throw new BlindsightError(
      'PERSON_NAME_INVALID',
      `${JSON.stringify(name)} is no name: ${PERSON_NAME_WORDS}`,
    );
  if ((await store.people.get(name)) !== null) throw taken(name);
  checkPassword(password, name);
  const hash = await hashPassword(password, cost);
  if (!(await store.people.add({ name, role, password: hash, createdMs: clock.now() }))) throw taken(name);
}

/** Changes the role of a person, whose sessions end. @throws BlindsightError PERSON_NOT_FOUND */
export async function setRole({ store }: With, name: string, role: Role): Promise<void> {
  await end(store, name, (inside) => inside.people.setRole(name, role));
}

/** Changes the password of a person, whose sessions end. @throws BlindsightError PASSWORD_WEAK, PERSON_NOT_FOUND */
export async function setPassword(
  { store }: With,
  name: string,
  password: string,
  cost: ScryptCost = SCRYPT_COST,
): Promise<void> {
  if ((await store.people.get(name)) === null) throw missing(name);
  checkPassword(password, name);
  const hash = await hashPassword(password, cost);
  await end(store, name, (inside) => inside.people.setPassword(name, hash));
}

/** Shuts a person out; their sessions end. @throws BlindsightError PERSON_NOT_FOUND */
export async function removePerson({ store }: With, name: string, clock: Clock = systemClock): Promise<void> {
  await end(store, name, (inside) => inside.people.disable(name, clock.now()));
}

async function end(
  store: Site['store'],
  name: string,
  change: (inside: Site['store']) => Promise<boolean>,
): Promise<void> {
  await store.transaction(async (inside) => {
    if (!(await change(inside))) throw missing(name);
    await inside.sessions.removeOf(name);
  });
}

const taken = (name: string) => new BlindsightError('PERSON_EXISTS', `${name} has an account already`);
const missing = (name: string) =>
  new BlindsightError('PERSON_NOT_FOUND', `nobody named ${name} has an account`);
