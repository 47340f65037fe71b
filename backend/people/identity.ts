import type { Role } from '#protocol/roles.ts';

/** How somebody is known: see `SessionView` in protocol/api.ts. */
export type Way = 'this machine' | 'session' | 'site token' | 'token' | 'proxy' | 'command line';

/** Whoever asks for something, once it is clear who that is. */
export type Identity = {
  /** As the audit log names it: a person, or `token:NAME`. */
  readonly name: string;
  readonly role: Role;
  readonly way: Way;
  /** Of the secret of the session; null for the other ways. */
  readonly session: string | null;
};

/** Whoever has the token of the site, `api.tokenFile`. */
export const SITE_TOKEN = 'token:file';

/** Names that the audit log uses for others than people and tokens. */
const RESERVED = ['local', 'file', 'nobody'];

/** Of people and tokens: what a proxy hands over may be an address of electronic mail. */
export function isPersonName(name: string): boolean {
  return /^[a-z0-9](?:[a-z0-9._@+-]{0,62}[a-z0-9])?$/.test(name) && !RESERVED.includes(name);
}

/** What a name has to look like, as part of a sentence. */
export const PERSON_NAME_WORDS =
  'at most 64 lower-case letters, digits and . _ @ + -, and not local, file or nobody';
