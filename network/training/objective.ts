import type { SeededRandom } from '#network/model/random.ts';
import type { PictureFormat } from '#vision/picture-format.ts';
import type { TrainableNetwork } from './trainable-network.ts';

/** How well a batch was answered. */
export type Measured = {
  /** Sum over the pictures that count. */
  readonly loss: number;
  readonly counted: number;
  /** Of a score that is a ratio of two sums (right answers and answers; for F1 twice the hits, and what was found and what is there). */
  readonly hits: number;
  readonly of: number;
};

/** What a network is trained for: pictures, what is wanted of them, and how far answers are from it. */
export interface Objective {
  readonly picture: PictureFormat;
  /** Outputs that a network must have. */
  readonly outputs: number;
  /** Number of training pictures. */
  readonly count: number;
  /** Writes training picture `index`, varied, into `picture`, and remembers what is wanted of it as the `n`th of the batch. */
  draw(picture: Float32Array, index: number, n: number, random: SeededRandom): void;
  /**
   * Compares the outputs for the batch that was drawn with what is wanted.
   *
   * @param outputs as the network gives them, see `TrainableNetwork.forward`
   * @param gradient takes the gradient of the mean loss by them
   */
  measure(outputs: Float32Array, gradient: Float32Array, batch: number): Measured;
  /** Score of a network on the validation pictures, 0 to 1; the network with the best one is kept. */
  validate(network: TrainableNetwork, input: Float32Array, batch: number): number;
}
