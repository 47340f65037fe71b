/**
 * How the decryptor reads the slots of an answer. Owner's side only: it never travels to a gateway, because the
 * range and the tolerance were calibrated with the clear network.
 */
export type Interpretation = {
  readonly labels: readonly string[];
  /** Answers that the ciphertext holds; absent for one. All have the same labels. */
  readonly regions?: number;
  /**
   * One entry a slot of the answer: the index of the logit that must stand there (copies must agree; logit l of region
   * r has the index r · labels + l), −1 where the program
   * leaves zero, −2 where anything may stand.
   */
  readonly expected: Int32Array;
  /**
   * The logit that a slot value of 1 stands for. It is applied here and not by the program's scale, because it follows from
   * calibration and the program is public.
   */
  readonly unit: number;
  /** Largest |logit| that calibration allows; beyond it the answer is withheld. */
  readonly range: number;
  /** Largest deviation of an empty slot from zero and of copies from each other, in logits. */
  readonly tolerance: number;
};
