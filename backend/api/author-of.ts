import type { Identity } from '../people/identity.ts';

/** Those of one person; what all who come that way share is no name. */
const KNOWN_WAYS: readonly Identity['way'][] = ['session', 'token', 'proxy'];

/** Who has an account is known better than who one says to be. */
export function authorOf(identity: Identity | null, named = 'the API'): string {
  return identity !== null && KNOWN_WAYS.includes(identity.way) ? identity.name : named;
}
