import type { Role } from '#protocol/roles.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Store } from '../store/store.ts';
import { type Identity, SITE_TOKEN } from './identity.ts';
import { hashOf, newSecret } from './secrets.ts';

/** A session that nobody used for this long has ended; an open page uses it. */
export const IDLE_MS = 12 * 3_600_000;
/** A session ends after this time, used or not. */
export const SESSION_MS = 30 * 86_400_000;
/** Use is noted no more often than this. */
const TOUCH_MS = 60_000;

export type SessionOwner =
  | { readonly person: string; readonly generation: number }
  | { readonly siteToken: string };

/** Sessions of the page: 256 random bits in a cookie, of which the store has a hash. */
export class Sessions {
  readonly #store: Store;
  readonly #clock: Clock;

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Opens a session. @returns its secret: always a new one, whatever the browser sent */
  async open(owner: SessionOwner): Promise<string> {
    const secret = newSecret();
    const now = this.#clock.now();
    const {
      person = '',
      generation = 0,
      siteToken = null,
    } = { siteToken: null, ...owner } as {
      person?: string;
      generation?: number;
      siteToken: string | null;
    };
    await this.#store.sessions.removeOld(now - SESSION_MS, now - IDLE_MS);
    await this.#store.sessions.add({ hash: hashOf('session', secret), person, generation, siteToken }, now);
    return secret;
  }

  /** Whose session it is. @param siteToken fingerprint of the token of the site now */
  async find(secret: string, siteToken: string | null): Promise<Identity | null> {
    return this.findByHash(hashOf('session', secret), siteToken);
  }

  /** As {@link find}, for what remembers the hash only. */
  async findByHash(hash: string, siteToken: string | null): Promise<Identity | null> {
    const found = await this.#store.sessions.get(hash);
    if (found === null) return null;
    const now = this.#clock.now();
    if (now - found.createdMs >= SESSION_MS || now - found.usedMs >= IDLE_MS) return null;
    const owner = ownerOf(found, siteToken);
    if (owner === null) return null;
    // A full disk must not log anybody out.
    if (now - found.usedMs >= TOUCH_MS) await this.#store.sessions.touch(hash, now).catch(() => undefined);
    return { ...owner, way: 'session', session: hash };
  }
}

function ownerOf(
  found: { readonly person: string; readonly role: Role | null; readonly siteToken: string | null },
  siteToken: string | null,
): Pick<Identity, 'name' | 'role'> | null {
  if (found.siteToken === null) return found.role === null ? null : { name: found.person, role: found.role };
  return found.siteToken === siteToken ? { name: SITE_TOKEN, role: 'owner' } : null;
}
