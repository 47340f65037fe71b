import { BlindsightError } from '#protocol/errors.ts';

type Refusal = { readonly code: string; readonly message: string };

/**
 * What the all-in-one site does about a bundle that its gateway refuses: one made by another version of Blindsight is made anew, once; a
 * second refusal ends the run with the reason instead of a wait that leads nowhere.
 */
export class RefusalWatch {
  readonly #renew: (refused: string) => Promise<string | null>;
  readonly #end: (error: unknown) => void;
  readonly #log: string;
  #release: string;
  #renewing = false;
  #renewed = false;

  /**
   * @param release digest of the release that the gateway is to run
   * @param renew makes another release and returns its digest; null where that is not ours to do
   * @param end ends the run with an error
   * @param log file in which the gateway says more
   */
  constructor(
    release: string,
    renew: (refused: string) => Promise<string | null>,
    end: (error: unknown) => void,
    log: string,
  ) {
    this.#release = release;
    this.#renew = renew;
    this.#end = end;
    this.#log = log;
  }

  /** A gateway refuses the release `subject`. Old news, from before a renewal, is passed over. */
  readonly hear = (subject: string, { code, message }: Refusal): void => {
    if (subject !== this.#release || this.#renewing) return;
    const refused = new BlindsightError(
      'DEMO_REFUSED',
      `the gateway refuses the network: ${message} (${code}); its log: ${this.#log}`,
    );
    if (this.#renewed) {
      this.#end(refused);
      return;
    }
    this.#renewing = true;
    this.#renewed = true;
    this.#renew(subject)
      .then((release) => {
        if (release === null) return this.#end(refused);
        this.#release = release;
        this.#renewing = false;
      })
      .catch((error: unknown) => this.#end(error));
  };
}
