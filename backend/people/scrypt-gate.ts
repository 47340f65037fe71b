/** Attempts that may wait; those of browsers that were logged in before may wait beside a full queue of others. */
const MAX_WAITING = 8;

type Waiting = { readonly isKnown: boolean; readonly start: () => void };

/** Lets one password be checked at a time, because each takes 134 MB, and bounds how many wait. */
export class ScryptGate {
  #isBusy = false;
  readonly #waiting: Waiting[] = [];

  /**
   * Runs `work` when it is its turn. Browsers that were logged in before (`isKnown`) come first, so that a flood of strangers does not keep them out.
   *
   * @returns null, without having run it, where too many wait.
   */
  async run<T>(isKnown: boolean, work: () => Promise<T>): Promise<T | null> {
    if (this.#isBusy) {
      if (this.#waiting.filter((one) => one.isKnown === isKnown).length >= MAX_WAITING) return null;
      await new Promise<void>((start) => {
        const after = this.#waiting.findIndex((one) => isKnown && !one.isKnown);
        this.#waiting.splice(after === -1 ? this.#waiting.length : after, 0, { isKnown, start });
      });
    }
    this.#isBusy = true;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      // Busy until the next one runs: nobody overtakes it in between.
      if (next === undefined) this.#isBusy = false;
      else next.start();
    }
  }
}
