import type { Clock } from '#runtime/clock.ts';
import type { Logger } from '#runtime/log.ts';

type Presence = { readonly address: string; heardMs: number };
type Quarrel = { readonly times: number[]; saidMs: number };

/** A client heard from this recently is alive: one that lost network or power is silent for longer before it is back. */
const ALIVE_MS = 15_000;
const WINDOW_MS = 600_000;
const SUSPICIOUS = 3;
const QUIET_MS = 3_600_000;

/** Detects two programs that keep disconnecting each other under one name, and reports it: neither of them can. */
export class Takeovers {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #log: Logger;
  readonly #present = new Map<string, Presence>();
  readonly #quarrels = new Map<string, Quarrel>();

  constructor(clock: Pick<Clock, 'monotonic'>, log: Logger) {
    this.#clock = clock;
    this.#log = log;
  }

  /** A client comes in; MQTT ends the connection that another one has under this id. */
  enter(clientId: string, identity: string, address: string): void {
    const before = this.#present.get(clientId);
    const now = this.#clock.monotonic();
    this.#present.set(clientId, { address, heardMs: now });
    if (before !== undefined && now - before.heardMs < ALIVE_MS) {
      this.#note(identity, before.address, address, now);
    }
  }

  /** Bytes from this client arrived. */
  heard(clientId: string, address: string): void {
    const presence = this.#present.get(clientId);
    if (presence?.address === address) presence.heardMs = this.#clock.monotonic();
  }

  /** Its connection is gone; if it was displaced, its place is already taken. */
  leave(clientId: string, address: string): void {
    if (this.#present.get(clientId)?.address === address) this.#present.delete(clientId);
  }

  #note(identity: string, before: string, now: string, nowMs: number): void {
    const quarrel = this.#quarrels.get(identity) ?? { times: [], saidMs: Number.NEGATIVE_INFINITY };
    const times = [...quarrel.times.filter((time) => nowMs - time < WINDOW_MS), nowMs];
    const isNews = times.length >= SUSPICIOUS && nowMs - quarrel.saidMs >= QUIET_MS;
    this.#quarrels.set(identity, {
      times: times.slice(-SUSPICIOUS),
      saidMs: isNews ? nowMs : quarrel.saidMs,
    });
    if (!isNews) return;
    this.#log.error(
      { code: 'LINK_TAKEN_OVER', identity, before, now },
      `two programs connect as ${identity} and keep disconnecting each other, from ${before} and from ${now}: stop one of them, or enrol it under another name`,
    );
  }
}
