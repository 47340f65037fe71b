import type { AgentConfig } from '#config/schema.ts';
import { BlindsightError } from '#protocol/errors.ts';
import { machineMemory } from '#runtime/machine-memory.ts';
import { type HostOptions, InterpreterHost } from './interpreter-host.ts';

type Inference = AgentConfig['inference'];

/** What is to be opened; how follows from the settings of then. */
export type OpenOptions = Pick<HostOptions, 'bundle' | 'selfTest' | 'signal' | 'onProgress'> & {
  /** Whether one runs that may end first: then a network that does not fit beside it is refused, instead of being read from disk. */
  readonly isBeside: boolean;
};

/** Of the threads that an engine runs in, and of what they copy. */
const THREAD_BYTES = 64 * 2 ** 20;

/**
 * Opens interpreters by the settings of now, one after the other, so that all of them together keep to the memory that the settings give them, also while one
 * takes the place of another. What the reference interpreter takes is not known and not counted.
 */
export class InterpreterOpener {
  readonly #inference: () => Inference;
  readonly #openHost: (options: HostOptions) => Promise<InterpreterHost>;
  /** Those that are open, and the bound that each was opened under, in bytes. */
  readonly #open = new Map<InterpreterHost, number>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(inference: () => Inference, openHost = InterpreterHost.open) {
    this.#inference = inference;
    this.#openHost = openHost;
  }

  /** @throws BlindsightError as {@link InterpreterHost.open}; NETWORK_MEMORY for one that fits once another has ended */
  open(options: OpenOptions): Promise<InterpreterHost> {
    const opening = this.#last.then(() => this.#openFitting(options));
    this.#last = opening.catch(() => {});
    return opening;
  }

  /** Whether an interpreter is as settings want it. */
  fits(host: InterpreterHost): boolean {
    const { interpreter, threads } = this.#inference();
    if (host.kind !== interpreter || host.threads !== threads) return false;
    const most = engineBytes(this.#inference());
    // One that reads from disk may need less of it now, or may read more.
    return this.#open.get(host) === most || (!host.readsDisk && this.#usedBytes <= most);
  }

  /** Settings may change while it opens. */
  async #openFitting({ isBeside, ...options }: OpenOptions): Promise<InterpreterHost> {
    for (;;) {
      options.signal?.throwIfAborted();
      const { interpreter: kind, threads } = this.#inference();
      const most = engineBytes(this.#inference());
      const others = this.#usedBytes;
      const memoryBytes = Math.max(0, most - others - THREAD_BYTES);
      const how = { kind, threads, memoryBytes, mayUseDisk: !isBeside };
      const host = await this.#openHost({ ...options, ...how }).catch((error: unknown) => {
        throw withOthers(error, others, most);
      });
      this.#open.set(host, most);
      void host.gone.then(() => this.#open.delete(host));
      if (this.fits(host)) return host;
      await host.close();
    }
  }

  get #usedBytes(): number {
    return [...this.#open.keys()].reduce((sum, { usedBytes }) => sum + usedBytes + THREAD_BYTES, 0);
  }
}

/** The engine says what it may have and needs, but not who has the rest. */
function withOthers(error: unknown, others: number, most: number): unknown {
  const isMemory = error instanceof BlindsightError && error.code === 'FHE_MEMORY';
  if (!isMemory || others === 0) return error;
  const megabytes = (bytes: number) => `${Math.ceil(bytes / 2 ** 20)} MB`;
  const message = `${error.message}; other networks take ${megabytes(others)} of the ${megabytes(most)} that all of them may have`;
  return new BlindsightError(error.code, message, { cause: error });
}

/** What all engines together may have in memory: what the settings say, or else three quarters of what the machine has. */
function engineBytes({ memoryMegabytes }: Inference): number {
  return Math.floor(memoryMegabytes === undefined ? 0.75 * machineMemory() : memoryMegabytes * 2 ** 20);
}

/** What networks may have in memory before another one beside them is refused. */
export function networkBytes({ memoryMegabytes }: Inference): number {
  return memoryMegabytes === undefined ? machineMemory() / 2 : memoryMegabytes * 2 ** 20;
}
