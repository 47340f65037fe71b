/**
 * How a fold is evaluated: two steps a and b at a time as x + rot(x, a) + rot(x, b) + rot(x, a + b). The three rotations share one
 * decomposition and one division, so a round costs little more than one rotation; the price is the key for a + b.
 *
 * @returns the rotations of each round.
 */
export function foldRounds(steps: readonly number[]): number[][] {
  const rounds: number[][] = [];
  for (let i = 0; i < steps.length; i += 2) {
    const a = steps[i]!;
    const b = steps[i + 1];
    rounds.push(b === undefined ? [a] : [a, b, a + b]);
  }
  return rounds;
}
