/** Half of the two minutes by which the backend lets a picture be dated ahead: two clocks that are both off by less make no answer too early or too late. */
export const CLOCK_OFF_MS = 60_000;
