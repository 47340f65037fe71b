import { createSecretKey, randomBytes } from 'node:crypto';
import { Selection } from '#backend/auditor/selection.ts';
import type { Envelope } from '#protocol/envelope.ts';

/** After how many answers the first dishonest one is chosen to be opened, over many runs; in answers, honest ones included. */
export type CaughtAfter = {
  /** Of answers that are audited. */
  readonly share: number;
  /** Of answers that are lies. */
  readonly lying: number;
  readonly runs: number;
  readonly mean: number;
  readonly median: number;
  /** 95 of 100 runs end by then. */
  readonly late: number;
};

/**
 * Draws with the backend's own selection under a new key in each run. Nothing is computed, because the selection looks at nothing but where an answer stands
 * and its digest; an honest answer that is chosen is found equal, and nothing follows from it.
 *
 * @param share of answers that are audited
 * @param lying of answers, those that are lies: each is one with this probability
 */
export async function selectionRuns({
  share,
  lying,
  runs,
}: Pick<CaughtAfter, 'share' | 'lying' | 'runs'>): Promise<CaughtAfter> {
  const counts: number[] = [];
  const store = { challenges: { choose: async () => true } };
  for (let run = 0; run < runs; run++) {
    const selection = new Selection({
      store,
      key: createSecretKey(randomBytes(32)),
      share,
      lateShare: share,
    });
    for (let count = 1; ; count++) {
      if (Math.random() >= lying || !(await selection.consider(lie(run + 1, count), 60))) continue;
      counts.push(count);
      break;
    }
  }
  counts.sort((a, b) => a - b);
  const mean = counts.reduce((sum, count) => sum + count, 0) / runs;
  const late = counts[Math.floor(runs * 0.95)]!;
  return { share, lying, runs, mean, median: counts[Math.floor(runs / 2)]!, late };
}

function lie(session: number, sequence: number): Envelope {
  return {
    ...{ schema: 1, site: 'yard', gateway: 'gate', camera: 'door', session, sequence },
    ...{ frameTimeMs: 0, readyTimeMs: 50, bundle: '0'.repeat(64), interpreter: 'engine', historical: false },
    timings: { prepareMs: 0, encryptMs: 0, evaluateMs: 0 },
    ciphertext: randomBytes(32),
  };
}
