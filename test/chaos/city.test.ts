import { expect, it } from 'vitest';
import { runChaos } from './chaos.ts';
import { formatChaos } from './print-chaos.ts';

/** Nine processes have to start, some of them again and again, and three servers to agree who leads. */
const PATIENT_MS = 600_000;

it(
  'loses nothing and stores nothing twice on three servers of NATS and PostgreSQL, with decryptors that come and go',
  async () => {
    const seed = Number(process.env.BLINDSIGHT_CHAOS_SEED ?? Date.now() % 2 ** 32);
    const report = await runChaos({
      ...{ seed, seconds: 5, gateways: 2, rate: 5, broker: 'nats', store: 'postgresql', everyMs: 1_000 },
      queue: seed % 2 === 0 ? 'inbox' : 'jetstream',
      kinds: [
        ...['link-cut', 'delivered-never', 'server-lost', 'decryptor-killed', 'decryptor-added'],
        ...['database-restart', 'database-connections-cut'],
        ...(seed % 2 === 0 ? [] : ['stream-loses']),
      ],
      signal: new AbortController().signal,
      onProgress: () => {},
    });
    expect(report, formatChaos(report)).toMatchObject({ lost: [], twice: [], wrong: [], isWell: true, seed });
    expect(report).toMatchObject({ broker: 'nats', impossible: [], withheld: {} });
    expect(report.stored).toBeGreaterThan(0);
    expect(Object.keys(report.moments).length).toBeGreaterThan(1);
  },
  PATIENT_MS,
);
