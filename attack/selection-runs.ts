import { createSecretKey, randomBytes } from 'node:crypto';
import { Selection } from '#backend/auditor/selection.ts';
import type { Site } from '#backend/site.ts';
import type { Envelope } from '#protocol/envelope.ts';

/** After how many dishonest answers the first one is chosen to be opened, over many runs; in answers. */
export type CaughtAfter = {
  readonly runs: number;
  readonly mean: number;
  readonly median: number;
  /** 95 of 100 runs end by then. */
  readonly late: number;
};

/**
 * Draws with the backend's own selection under a new key in each run. Nothing is computed, because the selection looks at nothing but where an answer stands
 * and its digest.
 */
export async function selectionRuns(
  { store, name }: Pick<Site, 'store' | 'name'>,
  share: number,
  runs: number,
): Promise<CaughtAfter> {
  const counts: number[] = [];
  for (let run = 0; run < runs; run++) {
    const key = createSecretKey(randomBytes(32));
    const selection = new Selection({ store, key, share, lateShare: share });
    let count = 1;
    while (!(await selection.consider(lie(name, run + 1, count), 60))) count++;
    counts.push(count);
  }
  counts.sort((a, b) => a - b);
  const mean = counts.reduce((sum, count) => sum + count, 0) / runs;
  return { runs, mean, median: counts[Math.floor(runs / 2)]!, late: counts[Math.floor(runs * 0.95)]! };
}

function lie(site: string, session: number, sequence: number): Envelope {
  return {
    ...{
      schema: 1,
      site,
      gateway: 'gate',
      camera: 'door',
      session,
      sequence,
      frameTimeMs: 0,
      readyTimeMs: 50,
    },
    ...{ bundle: '0'.repeat(64), interpreter: 'engine', historical: false },
    timings: { prepareMs: 0, encryptMs: 0, evaluateMs: 0 },
    ciphertext: randomBytes(32),
  };
}
