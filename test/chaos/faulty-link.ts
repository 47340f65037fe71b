import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** As it was at the beginning. */
const WELL = {
  delayMs: 0,
  bytesPerSecond: Number.POSITIVE_INFINITY,
  isRefusing: false,
  stopped: 'none',
} as const;
const SLICE_MS = 20;
/** On their way, in each direction of a connection. */
const MOST_BYTES = 2 ** 18;

export type LinkFault = {
  /** Of each byte, in each direction. */
  readonly delayMs: number;
  readonly bytesPerSecond: number;
  /** New connections are closed at once. */
  readonly isRefusing: boolean;
  /** Directions in which nothing gets through; it waits. */
  readonly stopped: 'none' | 'up' | 'down' | 'both';
};

type Pair = { readonly near: Socket; readonly far: Socket };

/**
 * A link to a TCP port that can be made slow, narrow, silent, half open or cut. It stands for a network of its own: the kernel of the machines at hand has no netem, and what
 * daemons see of a link is what their sockets tell them.
 */
export class FaultyLink {
  readonly name: string;
  readonly #server: Server;
  readonly #target: () => number;
  readonly #pairs = new Set<Pair>();
  readonly #silent = new Set<Socket>();
  #fault: LinkFault = WELL;
  /** Bytes that still get through before all connections are cut; null where nothing is to be cut. */
  #cutAfter: number | null = null;

  private constructor(name: string, server: Server, target: () => number) {
    this.name = name;
    this.#server = server;
    this.#target = target;
    server.on('connection', (near) => this.#join(near));
  }

  /** @param target the port that it leads to */
  static async open(name: string, target: () => number): Promise<FaultyLink> {
    const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new FaultyLink(name, server, target);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get connections(): number {
    return this.#pairs.size;
  }

  /** Changes what is named, and leaves the rest. */
  set(fault: Partial<LinkFault>): void {
    this.#fault = { ...this.#fault, ...fault };
  }

  heal(): void {
    this.#fault = WELL;
    this.#cutAfter = null;
  }

  /** Both ends hear at once that the connection is gone. */
  cut(): void {
    for (const pair of [...this.#pairs]) this.#end(pair);
  }

  /** Cuts after so many more bytes: in the middle of what is being said. */
  cutAfter(bytes: number): void {
    this.#cutAfter = bytes;
  }

  /** One end hears that the connection is gone, and the other does not: it has to find out. */
  halfOpen(deaf: 'near' | 'far'): void {
    for (const pair of [...this.#pairs]) {
      this.#pairs.delete(pair);
      const kept = pair[deaf];
      this.#silent.add(kept);
      kept.once('close', () => this.#silent.delete(kept));
      kept.resume();
      pair[deaf === 'near' ? 'far' : 'near'].resetAndDestroy();
    }
  }

  async close(): Promise<void> {
    this.heal();
    this.cut();
    for (const socket of this.#silent) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(near: Socket): void {
    if (this.#fault.isRefusing) {
      near.on('error', () => {});
      near.resetAndDestroy();
      return;
    }
    const far = connect({ port: this.#target(), host: '127.0.0.1', allowHalfOpen: true });
    const pair = { near, far };
    this.#pairs.add(pair);
    for (const socket of [near, far]) {
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.on('close', () => {
        if (this.#pairs.has(pair)) this.#end(pair);
      });
    }
    this.#carry(pair, near, far, 'up');
    this.#carry(pair, far, near, 'down');
  }

  #end(pair: Pair): void {
    this.#pairs.delete(pair);
    pair.near.resetAndDestroy();
    pair.far.resetAndDestroy();
  }

  /** What is late does not keep the next from coming, so that a delay is no narrowness; what does not fit stays with the sender. */
  #carry(pair: Pair, from: Socket, to: Socket, direction: 'up' | 'down'): void {
    let last: Promise<void> = Promise.resolve();
    let waiting = 0;
    from.on('data', (chunk: Buffer) => {
      if (!this.#pairs.has(pair)) return; // Half open: it goes nowhere.
      const dueMs = performance.now() + this.#fault.delayMs;
      waiting += chunk.length;
      if (waiting > MOST_BYTES) from.pause();
      last = last.then(async () => {
        await pause(dueMs - performance.now());
        await this.#pass(pair, to, chunk, direction);
        waiting -= chunk.length;
        if (waiting <= MOST_BYTES) from.resume();
      });
    });
    from.on('end', () => {
      last = last.then(() => {
        if (this.#pairs.has(pair)) to.end();
      });
    });
  }

  async #pass(pair: Pair, to: Socket, chunk: Buffer, direction: 'up' | 'down'): Promise<void> {
    for (let at = 0; at < chunk.length; ) {
      while (this.#isStopped(direction)) {
        if (!this.#pairs.has(pair)) return;
        await pause(SLICE_MS);
      }
      if (!this.#pairs.has(pair)) return;
      const { bytesPerSecond } = this.#fault;
      const isNarrow = Number.isFinite(bytesPerSecond);
      const most = isNarrow ? Math.max(1, Math.round((bytesPerSecond * SLICE_MS) / 1000)) : chunk.length;
      const part = chunk.subarray(at, at + Math.min(most, this.#cutAfter ?? most));
      at += part.length;
      if (part.length > 0 && !to.write(part)) await drained(to);
      if (this.#cutAfter !== null) {
        this.#cutAfter -= part.length;
        if (this.#cutAfter <= 0) {
          this.#cutAfter = null;
          this.cut();
          return;
        }
      }
      if (isNarrow) await pause(SLICE_MS);
    }
  }

  #isStopped(direction: 'up' | 'down'): boolean {
    const { stopped } = this.#fault;
    return stopped === 'both' || stopped === direction;
  }
}

/** Or gone. */
function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done).off('close', done);
      resolve();
    };
    socket.on('drain', done).on('close', done);
  });
}

const pause = (ms: number): Promise<void> =>
  ms > 0 ? new Promise((resolve) => setTimeout(resolve, ms)) : Promise.resolve();
