import type { ErrorCode } from '#protocol/errors.ts';
import type { Role } from '#protocol/roles.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Site } from '../site.ts';
import { isPersonName } from './identity.ts';
import { LogInThrottle } from './log-in-throttle.ts';
import { isPassword, NOBODYS_PASSWORD } from './password.ts';
import { ScryptGate } from './scrypt-gate.ts';
import { newSecret, sameText } from './secrets.ts';

const BROWSER_IDENTITY = 'people/known-browser';

export type LogIn = {
  readonly name: string;
  readonly password: string;
  readonly address: string;
  /** What an earlier log-in left in this browser. */
  readonly browser: string | null;
};

export type LoggedIn = {
  readonly name: string;
  readonly role: Role;
  readonly generation: number;
  /** For the cookie by which the browser is known from now on. */
  readonly browser: string;
};
export type NotLoggedIn = {
  readonly code: ErrorCode;
  readonly message: string;
  readonly waitSeconds?: number;
};

/**
 * Checks names with passwords, and tokens of the site. Unknown names take as long as known ones; attempts are bounded per account and per address. A browser that
 * was logged in to an account before has attempts of its own, so that a stranger who uses up those of an account does not keep its person out.
 */
export class LogIns {
  readonly #site: Pick<Site, 'store' | 'vault'>;
  readonly #throttle: LogInThrottle;
  readonly #gate = new ScryptGate();

  constructor(site: Pick<Site, 'store' | 'vault'>, clock: Clock) {
    this.#site = site;
    this.#throttle = new LogInThrottle(clock);
  }

  async check({ name: typed, password, address, browser }: LogIn): Promise<LoggedIn | NotLoggedIn> {
    const name = typed.trim().toLowerCase();
    const known = this.#knownBrowser(browser, name);
    const attempt = { name, address, browser: known };
    const wait = this.#throttle.take(attempt);
    if (wait > 0) return tooMany(wait);
    const person = isPersonName(name) ? await this.#site.store.people.get(name) : null;
    const isRight = await this.#gate.run(known !== null, () =>
      isPassword(password, person?.password ?? NOBODYS_PASSWORD),
    );
    if (isRight === null) {
      this.#throttle.succeeded(attempt);
      return tooMany(2);
    }
    if (person === null || !isRight)
      return { code: 'API_LOGIN_WRONG', message: 'name and password do not belong together here' };
    this.#throttle.succeeded(attempt);
    const { role, generation } = person;
    return { name, role, generation, browser: this.#mark(name) };
  }

  /** What was typed as a name, if it is one; empty for anything else, such as a password in the wrong field. */
  async nameOf(typed = ''): Promise<string> {
    const name = typed.trim().toLowerCase();
    return isPersonName(name) && (await this.#site.store.people.get(name)) !== null ? name : '';
  }

  /** Compares a token with that of the site. */
  checkToken(given: string, token: string | null, address: string): NotLoggedIn | null {
    const attempt = { name: '', address, browser: null };
    const wait = this.#throttle.take(attempt);
    if (wait > 0) return tooMany(wait);
    if (token === null || !sameText(given, token))
      return { code: 'API_TOKEN_WRONG', message: 'this is not the token of this site' };
    this.#throttle.succeeded(attempt);
    return null;
  }

  #mark(name: string): string {
    const text = JSON.stringify({ name, mark: newSecret() });
    return Buffer.from(this.#site.vault.seal(BROWSER_IDENTITY, Buffer.from(text))).toString('base64url');
  }

  #knownBrowser(mark: string | null, name: string): string | null {
    if (mark === null) return null;
    try {
      const bytes = this.#site.vault.open(BROWSER_IDENTITY, Buffer.from(mark, 'base64url'));
      const known = JSON.parse(Buffer.from(bytes).toString('utf8')) as { name: string; mark: string };
      return known.name === name ? known.mark : null;
    } catch {
      return null;
    }
  }
}

function tooMany(waitSeconds: number): NotLoggedIn {
  const message = `too many attempts to log in; the next one is possible in ${waitSeconds} s`;
  return { code: 'API_LOGIN_THROTTLED', message, waitSeconds };
}
