import type { Graph } from '../model/graph.ts';
import { GraphTrainer } from './gradients/graph-trainer.ts';

/** Pictures answered at a time: fewer than a batch, because of a batch only some are new. */
const AT_A_TIME = 8;

/**
 * The given network's answers to training pictures, each computed once, when it is first asked for: from the second epoch on they cost nothing.
 */
export class TaughtAnswers {
  readonly classes: number;
  readonly #trainer: GraphTrainer;
  readonly #answers: Float32Array;
  readonly #known: Uint8Array;

  private constructor(trainer: GraphTrainer, count: number) {
    this.#trainer = trainer;
    this.classes = trainer.logits.length / AT_A_TIME;
    this.#answers = new Float32Array(count * this.classes);
    this.#known = new Uint8Array(count);
  }

  /**
   * @param graph simplified; with any operator of the clear run.
   * @param count number of different pictures.
   */
  static async create(graph: Graph, count: number): Promise<TaughtAnswers> {
    return new TaughtAnswers(await GraphTrainer.create(graph, AT_A_TIME, { answersOnly: true }), count);
  }

  /**
   * Logits for the pictures of a batch.
   *
   * @param pictures one after the other.
   * @param numbers which ones they are.
   * @param out [pictures][classes].
   */
  answer(pictures: Float32Array, numbers: readonly number[], out: Float32Array): void {
    const size = pictures.length / numbers.length;
    const unknown = [...numbers.keys()].filter((n) => this.#known[numbers[n]!] === 0);
    for (let at = 0; at < unknown.length; at += AT_A_TIME) {
      const some = unknown.slice(at, at + AT_A_TIME);
      some.forEach((n, place) => {
        this.#trainer.pictures.set(pictures.subarray(n * size, (n + 1) * size), place * size);
      });
      this.#trainer.forward();
      some.forEach((n, place) => {
        const logits = this.#trainer.logits.subarray(place * this.classes, (place + 1) * this.classes);
        this.#answers.set(logits, numbers[n]! * this.classes);
        this.#known[numbers[n]!] = 1;
      });
    }
    numbers.forEach((picture, n) => {
      out.set(this.#answers.subarray(picture * this.classes, (picture + 1) * this.classes), n * this.classes);
    });
  }
}
