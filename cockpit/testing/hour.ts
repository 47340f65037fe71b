import type { History } from '#protocol/api.ts';

/** Answers of one hour up to `endMs`, one each `periodMs`: people come and go in a pattern that is always the same. */
export function hourOf(camera: string, endMs: number, periodMs: number): History {
  const times: number[] = [];
  const person: number[] = [];
  for (let time = endMs - 3_600_000 + periodMs; time <= endMs - periodMs; time += periodMs) {
    const minute = (endMs - time) / 60_000;
    // Ten minutes without a gateway: a hole in the line.
    if (minute > 22 && minute < 30) continue;
    const wave = Math.sin(minute * 1.7) + Math.sin(minute * 0.63 + 1) + 0.4 * Math.sin(minute * 9.1);
    times.push(time);
    person.push(Math.round((1 / (1 + Math.exp(-4 * (wave - 0.3)))) * 100) / 100);
  }
  return {
    camera,
    labels: ['empty', 'person'],
    times,
    answers: times.map(() => 1),
    slotMs: 0,
    withheld: [],
    probabilities: [person.map((value) => Math.round((1 - value) * 100) / 100), person],
  };
}
