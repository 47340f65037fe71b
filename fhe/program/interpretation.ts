/**
 * How the decryptor reads the slots of an answer. Owner's side only: it is never sent to a gateway, because range and tolerance were
 * calibrated with the clear network.
 */
export type Interpretation = {
  readonly labels: readonly string[];
  /**
   * What the outputs mean. Absent for a classification, one logit for each label. `labels`: likewise, each holding or not by itself. `count`:
   * one number for each label. `map`: one number for each label and cell, cell by cell in rows from the top, label by label.
   */
  readonly task?: 'labels' | 'count' | 'map';
  /** Of a map, and only of one: its size in cells, and how it becomes points, in units of a cell and of its values. */
  readonly map?: { readonly height: number; readonly width: number };
  readonly decoding?: {
    readonly threshold: number;
    readonly smoothing: number;
    readonly distance: number;
    readonly most: number;
  };
  /** Answers that the ciphertext holds; absent for one. All have the same labels. */
  readonly regions?: number;
  /**
   * One entry for each slot of the answer: the index of the output that it must hold (copies must agree; output l of region
   * r has the index r · outputs + l, `outputsOf`), −1 where the program
   * leaves zero, −2 where any value may be.
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
