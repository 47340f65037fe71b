import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { BrokerConfig } from '#config/schema.ts';
import { Crowd } from '#runtime/crowd.ts';

type Refusals = {
  /** Counts a connection that was given up, and says so rarely. */
  readonly refuseStranger: (address: string, kind: string, reason: string) => void;
  readonly refuse: (who: string, what: string) => unknown;
};

/**
 * Bounds connections: those that have shown no certificate yet, by address and together, and those of each identity. Where there are too many the oldest
 * gives way, so that a newcomer with a certificate always gets in.
 */
export class Connections {
  readonly #limits: BrokerConfig['connections'];
  readonly #refusals: Refusals;
  readonly #strangers: Crowd;
  /** Connections below those that TLS makes of them, by address and port. */
  readonly #sockets = new Map<string, Socket>();
  readonly #byIdentity = new Map<string, Set<TLSSocket>>();
  #dropped = 0;

  constructor(limits: BrokerConfig['connections'], refusals: Refusals) {
    this.#limits = limits;
    this.#refusals = refusals;
    const { perAddress, strangers: total } = limits;
    this.#strangers = new Crowd({ perAddress, total }, (address, waiting) => {
      this.#dropped++;
      const many = `${waiting + 1} connections of it that showed no certificate, ${this.#strangers.size + 1} in all`;
      refusals.refuseStranger(address, 'crowd', `the oldest of ${many}, had to give way`);
    });
  }

  /** How many had to give way to newer ones since the start. */
  get dropped(): number {
    return this.#dropped;
  }

  /** A connection was accepted; nothing is known of it. */
  begin(socket: Socket): void {
    const key = keyOf(socket);
    this.#sockets.set(key, socket);
    socket.once('close', () => {
      if (this.#sockets.get(key) === socket) this.#sockets.delete(key);
    });
    this.#strangers.enter(socket);
  }

  /** It showed a certificate that is good. */
  identify(socket: TLSSocket, name: string): void {
    const below = this.#sockets.get(keyOf(socket));
    if (below !== undefined) this.#strangers.leave(below);
    const own = this.#byIdentity.get(name) ?? new Set();
    this.#byIdentity.set(name, own.add(socket));
    socket.once('close', () => {
      own.delete(socket);
      if (own.size === 0 && this.#byIdentity.get(name) === own) this.#byIdentity.delete(name);
    });
    const { perIdentity } = this.#limits;
    if (own.size <= perIdentity) return;
    const [oldest] = own;
    this.#dropped++;
    this.#refusals.refuse(name, `more than ${perIdentity} connections at once: the oldest had to give way`);
    oldest?.destroy();
  }
}

function keyOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
