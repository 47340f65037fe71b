import { createHmac, randomBytes } from 'node:crypto';
import type { Clock } from '#runtime/clock.ts';

/** How many failures are free, and after how many seconds each is forgiven. */
type Limit = { readonly free: number; readonly seconds: number };

const LIMITS = {
  /** One address, whatever the account. */
  address: { free: 20, seconds: 30 },
  /** One account from one address. */
  pair: { free: 5, seconds: 60 },
  /** One account from everywhere: against attempts from many addresses. */
  account: { free: 100, seconds: 36 },
  /** A browser that was logged in to this account before: strangers cannot use its attempts up. */
  browser: { free: 10, seconds: 60 },
} satisfies Record<string, Limit>;

/** Slots of each table: memory is bounded whatever comes in, and nobody can displace anybody's failures. */
const SLOTS = 4096;

class Table {
  readonly #limit: Limit;
  readonly #failures = new Float64Array(SLOTS);
  readonly #times = new Float64Array(SLOTS);

  constructor(limit: Limit) {
    this.#limit = limit;
  }

  #now(slot: number, seconds: number): number {
    return Math.max(0, this.#failures[slot]! - (seconds - this.#times[slot]!) / this.#limit.seconds);
  }

  /** Seconds until another attempt is allowed; 0 for now. */
  wait(slot: number, seconds: number): number {
    const over = this.#now(slot, seconds) + 1 - this.#limit.free;
    return over <= 0 ? 0 : Math.ceil(over * this.#limit.seconds);
  }

  add(slot: number, seconds: number, failures: number): void {
    this.#failures[slot] = Math.max(0, this.#now(slot, seconds) + failures);
    this.#times[slot] = seconds;
  }
}

export type Attempt = {
  readonly name: string;
  readonly address: string;
  /** What tells the browser apart that was logged in to this account before; null for any other. */
  readonly browser: string | null;
};

/**
 * Bounds attempts to log in, per account and per address. Two that share a slot share a limit; which ones do is decided by a key of this process, and nobody can
 * aim at it. Attempts are counted before they are checked, so that many at once are not all let through.
 */
export class LogInThrottle {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #key = randomBytes(32);
  readonly #tables = {
    address: new Table(LIMITS.address),
    pair: new Table(LIMITS.pair),
    account: new Table(LIMITS.account),
    browser: new Table(LIMITS.browser),
  };

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /** Takes one attempt. @returns 0 if it is allowed, otherwise in how many seconds one will be. */
  take(attempt: Attempt): number {
    const seconds = this.#seconds();
    const places = this.#places(attempt);
    const wait = Math.max(...places.map(([table, slot]) => table.wait(slot, seconds)));
    if (wait === 0) for (const [table, slot] of places) table.add(slot, seconds, 1);
    return wait;
  }

  /** Gives an attempt back that succeeded. */
  succeeded(attempt: Attempt): void {
    const seconds = this.#seconds();
    for (const [table, slot] of this.#places(attempt)) table.add(slot, seconds, -1);
  }

  #seconds(): number {
    return this.#clock.monotonic() / 1000;
  }

  #places({ name, address, browser }: Attempt): [Table, number][] {
    const { address: addresses, pair, account, browser: browsers } = this.#tables;
    if (browser !== null) return [[browsers, this.#slot(browser)]];
    const network = networkOf(address);
    return [
      [addresses, this.#slot(network)],
      [pair, this.#slot(`${network}\0${name}`)],
      [account, this.#slot(name)],
    ];
  }

  #slot(text: string): number {
    return createHmac('sha256', this.#key).update(text).digest().readUInt32BE() % SLOTS;
  }
}

/** Whoever has one address of IPv6 has its 2^64 neighbors, too. */
function networkOf(address: string): string {
  if (!address.includes(':')) return address;
  const [front = '', back] = address.split('::');
  const groups = front.split(':').filter(Boolean);
  const missing = back === undefined ? 0 : 8 - groups.length - back.split(':').filter(Boolean).length;
  return [...groups, ...Array<string>(Math.max(0, missing)).fill('0')].slice(0, 4).join(':');
}
