import { BlindsightError } from '#protocol/errors.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Logger } from '#runtime/log.ts';
import { SHARDS, shardOf } from '../store/shard-of.ts';
import type { Store } from '../store/store.ts';
import { DECRYPTOR, LEASE_MS, RENEW_MS } from './lease-times.ts';

export type GatewayShardsOptions = {
  readonly store: Store;
  /** Name of this process, which no other one has. */
  readonly holder: string;
  readonly clock: Clock;
  readonly log: Logger;
};

const SHARD = 'shard/';

/** Names of decryptors that are gone for so long are removed. */
const GONE_MS = 3_600_000;
/** In order of their numbers, also as text. */
const nameOf = (shard: number): string => `${SHARD}${String(shard).padStart(2, '0')}`;
const numberOf = (name: string): number => Number(name.slice(SHARD.length));

/**
 * The gateways whose answers this decryptor settles: parts of all, leased from the store, about as many as each other decryptor has. What is known of a gateway in memory only
 * (counts of its cameras, what is in hand) is therefore known to whoever needs it. A decryptor that ends gives its parts back; those of one that died are free a few seconds later.
 *
 * A process may stop at any place and go on when its parts are another's. So each of its transactions that settles something asks for them, see {@link confirm}.
 */
export class GatewayShards {
  readonly #options: GatewayShardsOptions;
  #mine: readonly number[] = [];
  #renewedMs: number;
  #isBalancing = false;

  constructor(options: GatewayShardsOptions) {
    this.#options = options;
    this.#renewedMs = options.clock.monotonic();
  }

  get mine(): readonly number[] {
    return this.#mine;
  }

  /** Whether the store takes no prolongation for much longer than a lease lasts. */
  get isStuck(): boolean {
    return this.#options.clock.monotonic() - this.#renewedMs > 10 * LEASE_MS;
  }

  /** Prolongs what is held until the signal aborts, then gives all of it back. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    while (!signal.aborted) {
      await this.#renew().catch((error: unknown) =>
        log.warn({ err: error }, 'this decryptor could not say that it lives; another one may take over'),
      );
      await clock.sleep(RENEW_MS, signal).catch(() => {});
    }
  }

  /** Gives everything back. Nothing may be in hand. */
  async leave(): Promise<void> {
    const { store, holder } = this.#options;
    for (const shard of this.#mine) await store.leases.release(nameOf(shard), holder);
    this.#mine = [];
    await store.leases.remove(DECRYPTOR + holder, holder);
  }

  async #renew(): Promise<void> {
    const { store, holder, clock } = this.#options;
    const before = this.#mine;
    await store.leases.take(DECRYPTOR + holder, holder, LEASE_MS);
    const held = new Set(await store.leases.held(SHARD, holder));
    this.#renewedMs = clock.monotonic();
    // What was read is older than what `balance` knows, where it came in between.
    if (this.#isBalancing || this.#mine !== before) return;
    // What another one has taken meanwhile; what is new here, `balance` knows of.
    this.#mine = before.filter((shard) => held.has(nameOf(shard)));
  }

  /**
   * Takes parts that are free and gives back what is more than its share. Nothing may be in hand.
   *
   * @returns whether something is new: what was known of those gateways before may be wrong
   */
  async balance(): Promise<boolean> {
    this.#isBalancing = true;
    try {
      return await this.#balance();
    } finally {
      this.#isBalancing = false;
    }
  }

  /** Where it fails in the middle, the next one begins with what the store says: nothing is this decryptor's that it does not work on. */
  async #balance(): Promise<boolean> {
    const { store, holder, log } = this.#options;
    const { leases } = store;
    const own = DECRYPTOR + holder;
    const isFirst = this.#mine.length === 0;
    await leases.make([own, ...(isFirst ? allNames() : [])]);
    await leases.take(own, holder, LEASE_MS);
    const others = (await leases.taken(DECRYPTOR)).filter((name) => name !== own).length;
    const share = Math.ceil(SHARDS / (others + 1));
    const held = (await leases.held(SHARD, holder)).map(numberOf);
    const known = this.#mine.filter((shard) => held.includes(shard));
    // Of these a claim was the last that was heard, or not even that.
    const found = held.filter((shard) => !known.includes(shard));
    this.#mine = known.slice(0, share);
    for (const shard of [...known, ...found].slice(share)) await leases.release(nameOf(shard), holder);
    const gained = found.slice(0, share - this.#mine.length);
    const missing = share - this.#mine.length - gained.length;
    if (missing > 0) gained.push(...(await this.#claim(missing)));
    if (gained.length === 0) return false;
    if (isFirst) {
      await store.inbox.divide();
      await leases.forget(DECRYPTOR, GONE_MS);
    }
    this.#mine = [...this.#mine, ...gained];
    log.info({ gained: gained.length, shards: this.#mine.length, others }, 'takes gateways over');
    return true;
  }

  async #claim(count: number): Promise<number[]> {
    const { store, holder } = this.#options;
    const claimed: number[] = [];
    for (const name of await store.leases.unclaimed(SHARD, DECRYPTOR)) {
      if (claimed.length >= count) break;
      if (await store.leases.claim(name, holder, DECRYPTOR)) claimed.push(numberOf(name));
    }
    return claimed;
  }

  /**
   * Makes sure that gateways are this decryptor's until the transaction ends.
   *
   * @throws BlindsightError GATEWAYS_TAKEN_OVER: then nothing of it may be written, and `mine` has what is left
   */
  async confirm(inside: Store, gateways: Iterable<string>): Promise<void> {
    const names = [...new Set([...gateways].map((gateway) => nameOf(shardOf(gateway))))].sort();
    const held = await inside.leases.confirm(this.#options.holder, names);
    if (held.length === names.length) return;
    const lost = names.filter((name) => !held.includes(name)).map(numberOf);
    this.#mine = this.#mine.filter((shard) => !lost.includes(shard));
    throw new BlindsightError(
      'GATEWAYS_TAKEN_OVER',
      'another decryptor has taken over gateways whose answers were in hand here; it settles them',
    );
  }
}

const allNames = (): string[] => Array.from({ length: SHARDS }, (_, shard) => nameOf(shard));
