import { adaptPictureInput, type PixelScaling } from '#network/compiler/rewrite/picture-input.ts';
import { simplifyGraph } from '#network/compiler/rewrite/simplify-graph.ts';
import { accuracyOf } from '#network/model/confusion.ts';
import type { Dataset } from '#network/model/dataset.ts';
import type { PictureFormat } from '#vision/picture-format.ts';
import { NetworkError } from '../errors.ts';
import type { Graph } from '../model/graph.ts';
import { GraphTrainer } from './gradients/graph-trainer.ts';

/** A given network whose answers another one learns from: it sees the same pictures, augmented as they are, batch by batch. */
export class Teacher {
  /** Pictures of a batch, one after the other, to be filled in before each {@link answer}. */
  readonly pictures: Float32Array;
  readonly #trainer: GraphTrainer;

  private constructor(trainer: GraphTrainer) {
    this.#trainer = trainer;
    this.pictures = trainer.pictures;
  }

  /**
   * @param given takes the pictures of the training, and answers with a logit for each of its classes; with Softmax or Sigmoid at its end, logits
   * are what comes before.
   * @param options.scaling how it was fed, if it takes something else than byte / 255.
   * @throws NetworkError NETWORK_TEACHER if it takes other pictures or has other outputs, or has an operator that is not supported.
   */
  static async create(
    given: Graph,
    picture: PictureFormat,
    classes: number,
    batch: number,
    options: { readonly scaling?: PixelScaling } = {},
  ): Promise<Teacher> {
    try {
      const graph = simplifyGraph(adaptPictureInput(given, picture, options.scaling ?? {}));
      const trainer = await GraphTrainer.create(graph, batch, { answersOnly: true });
      const outputs = trainer.logits.length / batch;
      if (outputs !== classes)
        throw new NetworkError(
          'NETWORK_TEACHER',
          `it has ${outputs} outputs, and ${classes} classes are learned`,
        );
      return new Teacher(trainer);
    } catch (cause) {
      if (!(cause instanceof NetworkError) || cause.code === 'NETWORK_TOO_LARGE') throw cause;
      const text = `the network '${given.name}' cannot be the teacher: ${cause.message}`;
      throw new NetworkError('NETWORK_TEACHER', text, { cause });
    }
  }

  /**
   * Share of pictures, prepared as for the training, that it answers as they are labelled.
   *
   * @throws NetworkError NETWORK_TEACHER if an answer is no number.
   */
  accuracyOn({ pictures, classes, labels }: Dataset): number {
    const batch = this.#trainer.logits.length / labels.length;
    const size = this.pictures.length / batch;
    const logits = new Float32Array(classes.length * labels.length);
    for (let at = 0; at < classes.length; at += batch) {
      this.pictures.set(pictures.subarray(at * size, Math.min(classes.length, at + batch) * size));
      const few = Math.min(batch, classes.length - at);
      logits.set(this.answer().subarray(0, few * labels.length), at * labels.length);
    }
    if (!logits.every(Number.isFinite))
      throw new NetworkError('NETWORK_TEACHER', 'the teacher answers some pictures with what is no number');
    return accuracyOf(logits, classes);
  }

  /** Logits for {@link pictures}, [batch][classes]; valid until the next call. */
  answer(): Float32Array {
    this.#trainer.forward();
    return this.#trainer.logits;
  }
}

/** @throws NetworkError NETWORK_TEACHER, for a task that is not learned from another network. */
export function refuseTeacher(task: string): never {
  throw new NetworkError('NETWORK_TEACHER', `a teacher is for classifications, and the task is '${task}'`);
}
