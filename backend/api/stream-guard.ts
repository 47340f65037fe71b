import type { ServerResponse } from 'node:http';

/** How soon a stream ends after its reader was logged out or got another role by the command line, another process. */
const INTERVAL_MS = 2_000;
const CUT_OFF_MS = 1_000;

/** Ends answers that go on for hours when whoever reads them may no longer. */
export class StreamGuard {
  readonly #onError: (error: unknown) => void;
  readonly #streams = new Map<ServerResponse, () => Promise<boolean>>();
  readonly #timer: NodeJS.Timeout;

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
    this.#timer = setInterval(() => void this.check(), INTERVAL_MS);
    this.#timer.unref();
  }

  /** @param mayStay whether the reader may go on reading */
  add(response: ServerResponse, mayStay: () => Promise<boolean>): void {
    this.#streams.set(response, mayStay);
    response.on('close', () => this.#streams.delete(response));
  }

  /** Looks at every stream now. */
  async check(): Promise<void> {
    for (const [response, mayStay] of this.#streams) {
      try {
        if (!(await mayStay())) end(response);
      } catch (error) {
        // Who cannot be checked any more may not stay.
        response.destroy();
        this.#onError(error);
      }
    }
  }

  close(): void {
    clearInterval(this.#timer);
    this.#streams.clear();
  }
}

/** Ends a stream as a whole; one whose reader takes nothing any more is cut off. */
function end(response: ServerResponse): void {
  response.end();
  setTimeout(() => response.destroy(), CUT_OFF_MS).unref();
}
