import type { BackendConfig } from '#config/schema.ts';
import type { ErrorCode } from '#protocol/errors.ts';
import { ROLES, type Role } from '#protocol/roles.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Site } from '../site.ts';
import { isStoreTrouble } from '../store/store-trouble.ts';
import { readPass } from './command-line-pass.ts';
import { type Identity, isPersonName, SITE_TOKEN } from './identity.ts';
import { hashOf, sameText } from './secrets.ts';
import { Sessions } from './sessions.ts';

/** While the store does not answer, whoever was let in this recently is let in again. */
const REMEMBERED_MS = 10 * 60_000;
const MAX_REMEMBERED = 256;

/** What a request brings along; of headers that came twice, the value is what cannot match. */
export type Asked = {
  /** Whether it came directly from an address of `api.proxy.addresses`. */
  readonly isFromProxy: boolean;
  /** `Authorization: Bearer …`, without the word. */
  readonly bearer: string | null;
  /** Secret of the session in the cookie. */
  readonly cookie: string | null;
  header(name: string): string | undefined;
};

export type Refused = { readonly code: ErrorCode; readonly message: string };

export type GatekeeperOptions = {
  readonly site: Pick<Site, 'store' | 'vault'>;
  readonly clock: Clock;
  /** Content of `api.tokenFile`. */
  readonly token: string | null;
  readonly proxyUser: ProxyUser | null;
};

type ProxyUser = NonNullable<NonNullable<BackendConfig['api']['proxy']>['user']>;

/** Says who is asking, and with which role. Every way in is here. */
export class Gatekeeper {
  readonly sessions: Sessions;
  readonly siteToken: string | null;
  readonly #options: GatekeeperOptions;
  readonly #remembered = new Map<string, { readonly identity: Identity; readonly atMs: number }>();
  /** Once there was an account there always is one: see `PeopleStore`. */
  #hasPeople = false;

  constructor(options: GatekeeperOptions) {
    this.#options = options;
    this.sessions = new Sessions(options.site.store, options.clock);
    this.siteToken = options.token === null ? null : hashOf('site token', options.token);
  }

  /** Whether whoever reaches this machine's loopback address is the owner, because nobody was given an account, a token or a proxy's word yet. */
  async isOpen(): Promise<boolean> {
    const { token, proxyUser } = this.#options;
    if (token !== null || proxyUser !== null || this.#hasPeople) return false;
    await this.#look();
    return !this.#hasPeople;
  }

  /** While the store does not answer, what was known last counts: it was read when the backend started. */
  async #look(): Promise<void> {
    if (this.#hasPeople) return;
    try {
      this.#hasPeople = await this.#options.site.store.people.any();
    } catch (error) {
      if (!isStoreTrouble(error)) throw error;
    }
  }

  /** Whether a password could be right: there are accounts. */
  async hasPeople(): Promise<boolean> {
    await this.#look();
    return this.#hasPeople;
  }

  /** @returns null where nobody known is asking, and a refusal where somebody claims to be who they cannot be. */
  async whoIs(asked: Asked): Promise<Identity | Refused | null> {
    if (asked.bearer !== null) return this.#byBearer(asked.bearer);
    const byProxy = this.#byProxy(asked);
    if (byProxy !== null) return byProxy;
    if (asked.cookie !== null) {
      const { cookie } = asked;
      const known = await this.#remembering(hashOf('session', cookie), () =>
        this.sessions.find(cookie, this.siteToken),
      );
      if (known !== null) return known;
    }
    if (await this.isOpen()) return { name: 'local', role: 'owner', way: 'this machine', session: null };
    return null;
  }

  /** Whether somebody is still who they were, with the same role; for answers that go on for hours. */
  async isStill(identity: Identity, asked: Asked): Promise<boolean> {
    // Its pass is over after a minute; whoever made it has the keys, and can make another.
    if (identity.way === 'command line') return true;
    const now = await this.whoIs(asked);
    return now !== null && 'role' in now && now.role === identity.role && now.name === identity.name;
  }

  /** Ends a session. */
  async end(cookie: string): Promise<void> {
    const hash = hashOf('session', cookie);
    this.#remembered.delete(hash);
    await this.#options.site.store.sessions.remove(hash);
  }

  /** Ends all sessions of whoever has one. */
  async endAll({ name }: Identity): Promise<void> {
    this.#remembered.clear();
    await this.#options.site.store.sessions.removeOf(name === SITE_TOKEN ? '' : name);
  }

  async #byBearer(bearer: string): Promise<Identity | Refused> {
    const { token, site, clock } = this.#options;
    const none = { session: null, way: 'token' } as const;
    if (token !== null && sameText(bearer, token))
      return { ...none, name: SITE_TOKEN, role: 'owner', way: 'site token' };
    const pass = readPass(site, bearer, clock);
    if (pass !== null) return { ...none, name: 'local', role: pass, way: 'command line' };
    const hash = hashOf('token', bearer);
    const identity = await this.#remembering(hash, async () => {
      const found = await site.store.tokens.get(hash);
      if (found === null || (found.endMs !== null && found.endMs <= clock.now())) return null;
      return { ...none, name: `token:${found.name}`, role: found.role };
    });
    return identity ?? { code: 'API_TOKEN_WRONG', message: 'this token is not valid here' };
  }

  #byProxy(asked: Asked): Identity | Refused | null {
    const { proxyUser } = this.#options;
    if (proxyUser === null) return null;
    const name = asked.header(proxyUser.header)?.toLowerCase();
    const claimed = proxyUser.roleHeader === undefined ? undefined : asked.header(proxyUser.roleHeader);
    if (!asked.isFromProxy) {
      if (name === undefined && claimed === undefined) return null;
      const message = `the header ${proxyUser.header} is taken from the proxy only`;
      return { code: 'API_PROXY_REFUSED', message };
    }
    // The proxy lets some paths through without log-in, for programs that send a token.
    if (name === undefined || name === '') return null;
    if (!isPersonName(name))
      return { code: 'API_PROXY_REFUSED', message: 'the proxy names somebody whose name is not allowed' };
    const role = roleOf(claimed) ?? proxyUser.roles[name] ?? proxyUser.otherwise;
    if (claimed !== undefined && roleOf(claimed) === null)
      return { code: 'API_PROXY_REFUSED', message: `the proxy gives ${name} a role that does not exist` };
    if (role === undefined) return { code: 'API_PROXY_REFUSED', message: `${name} has no role on this site` };
    return { name, role, way: 'proxy', session: null };
  }

  /** What `look` finds; while the store does not answer, what it found last. */
  async #remembering(hash: string, look: () => Promise<Identity | null>): Promise<Identity | null> {
    const now = this.#options.clock.monotonic();
    try {
      const identity = await look();
      this.#remembered.delete(hash);
      if (identity !== null) this.#remembered.set(hash, { identity, atMs: now });
      const [oldest] = this.#remembered.keys();
      if (this.#remembered.size > MAX_REMEMBERED && oldest !== undefined) this.#remembered.delete(oldest);
      return identity;
    } catch (error) {
      const known = this.#remembered.get(hash);
      if (!isStoreTrouble(error) || known === undefined || now - known.atMs > REMEMBERED_MS) throw error;
      return known.identity;
    }
  }
}

function roleOf(text: string | undefined): Role | null {
  return ROLES.find((role) => role === text?.toLowerCase()) ?? null;
}
