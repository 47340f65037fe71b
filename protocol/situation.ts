/**
 * What the answers about a camera say now, debounced: whether something is there, and how many. One for each label that does not mean
 * "nothing", of the whole picture or a named region, and of a map also of each zone. In `CameraView.situations`.
 */
export type Situation = {
  readonly camera: string;
  readonly region?: string;
  readonly zone?: string;
  readonly label: string;
  /** Null where it is not known, because no answer came for too long. */
  readonly present: boolean | null;
  /** Of the tasks `count` and `map`: how many there are; 0 where that is not known. */
  readonly count?: number;
  /** Since when that holds. */
  readonly since: string;
  /** How often it came today, in the time zone of the site. */
  readonly visitsToday: number;
  /** Of counts: how many came today, one by one. */
  readonly entriesToday?: number;
  /** Of counts: how long one of them stayed today, in the mean; absent before the first came. */
  readonly dwellSeconds?: number;
};

const IDLE = /^(absent|none|empty|nothing|nobody|background|clear|vacant|idle)$|^no[-_ ]./i;

/** Whether a label says that nothing is there: such a label is no event when it holds. */
export function isIdleLabel(label: string): boolean {
  return IDLE.test(label.trim());
}
