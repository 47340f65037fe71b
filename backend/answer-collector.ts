import {
  ANSWER_MAX_PARTS,
  type AnswerPart,
  type CommandAnswer,
  joinAnswer,
} from '#protocol/command-answer.ts';

type Collected = { readonly digest: string; readonly data: (Uint8Array | undefined)[]; missing: number };

/** Answers that are put together at once; beyond that the oldest is begun anew. */
const MAX_OPEN = 64;

/** Puts answers together whose parts come in any order, repeatedly, or not at all. Bounded: 64 answers of two megabytes. */
export class AnswerCollector {
  readonly #open = new Map<string, Collected>();

  /**
   * Takes an authentic part.
   *
   * @returns the answer where this was the last missing part of it, else null
   * @throws BlindsightError ANSWER_INVALID where the parts are no answer
   */
  take({ id, digest, number, count, data }: AnswerPart): CommandAnswer | null {
    let open = this.#open.get(id);
    if (open?.digest !== digest || open.data.length !== count) {
      // Another answer under this id: the gateway forgot the first one, and this is complete in itself.
      open = { digest, data: new Array<undefined>(Math.min(count, ANSWER_MAX_PARTS)), missing: count };
      this.#open.delete(id);
      this.#open.set(id, open);
      const [oldest] = this.#open.keys();
      if (this.#open.size > MAX_OPEN && oldest !== undefined) this.#open.delete(oldest);
    }
    if (open.data[number] === undefined) {
      open.data[number] = data;
      open.missing--;
    }
    if (open.missing > 0) return null;
    this.#open.delete(id);
    return joinAnswer(open.data as Uint8Array[], digest);
  }

  /** Nothing more is expected for a command. */
  drop(id: string): void {
    this.#open.delete(id);
  }
}
