import { Dice } from '../fuzz/dice.ts';
import { drawMoment, type Kind, type Moment, type Targets } from './kind.ts';

/**
 * All moments of a run, from its seed alone. Kinds are dealt like cards, so that each comes as often as the others; the time between two is drawn around the mean.
 *
 * @param everyMs mean time from one moment to the next
 */
export function drawSchedule(
  kinds: readonly Kind[],
  { seed, ms, everyMs, targets }: { seed: number; ms: number; everyMs: number; targets: Targets },
): readonly Moment[] {
  const dice = new Dice(seed, 'chaos');
  const moments: Moment[] = [];
  let deck: Kind[] = [];
  for (let atMs = dice.below(everyMs); atMs < ms; atMs += dice.below(2 * everyMs)) {
    if (deck.length === 0) deck = shuffled(kinds, dice);
    moments.push(drawMoment(deck.pop()!, atMs, targets, dice));
  }
  return moments;
}

function shuffled<T>(list: readonly T[], dice: Dice): T[] {
  const deck = [...list];
  for (let i = deck.length - 1; i > 0; i--) {
    const j = dice.below(i + 1);
    [deck[i], deck[j]] = [deck[j]!, deck[i]!];
  }
  return deck;
}
