import type { Socket } from 'node:net';

/** How many connections may wait at once. */
export type CrowdLimits = {
  /** From one address; of IPv6, from one network of 64 bits, which is what one customer has. */
  readonly perAddress: number;
  readonly total: number;
};

/**
 * Connections of which nobody knows yet whose they are. Where there are too many, the oldest gives way, of the address that has most: whoever holds
 * many open and says nothing keeps nobody out, not even somebody behind the same address, because a client that has something to say does so at once.
 */
export class Crowd {
  readonly #limits: CrowdLimits;
  readonly #onDrop: (address: string, waiting: number) => void;
  readonly #byPlace = new Map<string, Set<Socket>>();
  #total = 0;

  /** @param onDrop told of each connection that had to give way, and how many its address has left */
  constructor(limits: CrowdLimits, onDrop: (address: string, waiting: number) => void) {
    this.#limits = limits;
    this.#onDrop = onDrop;
  }

  /** How many wait now. */
  get size(): number {
    return this.#total;
  }

  /** A connection begins to wait, until {@link leave} or its end. */
  enter(socket: Socket): void {
    const place = placeOf(socket.remoteAddress ?? '');
    const here = this.#byPlace.get(place) ?? new Set();
    this.#byPlace.set(place, here.add(socket));
    this.#total++;
    socket.once('close', () => this.#remove(place, socket));
    if (here.size > this.#limits.perAddress) this.#dropOldest(place);
    else if (this.#total > this.#limits.total) this.#dropOldest(this.#fullest());
  }

  /** A connection waits no longer: it is known, or busy. */
  leave(socket: Socket): void {
    this.#remove(placeOf(socket.remoteAddress ?? ''), socket);
  }

  #remove(place: string, socket: Socket): void {
    const here = this.#byPlace.get(place);
    if (here?.delete(socket) !== true) return;
    this.#total--;
    if (here.size === 0) this.#byPlace.delete(place);
  }

  #fullest(): string {
    let [fullest, most] = ['', 0];
    for (const [place, { size }] of this.#byPlace) if (size > most) [fullest, most] = [place, size];
    return fullest;
  }

  #dropOldest(place: string): void {
    const here = this.#byPlace.get(place);
    const [oldest] = here ?? [];
    if (oldest === undefined) return;
    const address = oldest.remoteAddress ?? '?';
    this.#remove(place, oldest);
    oldest.destroy();
    this.#onDrop(address, here?.size ?? 0);
  }
}

/** What counts as one address. */
function placeOf(address: string): string {
  const mapped = address.startsWith('::ffff:') ? address.slice(7) : address;
  return mapped.includes(':') ? networkOf(mapped) : mapped;
}

/** The first 64 bits of an address of IPv6. */
function networkOf(address: string): string {
  const [head = '', tail] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  const missing = tail === undefined ? 0 : 8 - groups.length - (tail === '' ? 0 : tail.split(':').length);
  const all = [...groups, ...Array.from({ length: missing }, () => '0'), ...(tail ? tail.split(':') : [])];
  return `${all.slice(0, 4).join(':')}::`;
}
