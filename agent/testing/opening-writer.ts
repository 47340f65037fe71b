import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { OpeningLog } from '#agent/opening/opening-log.ts';
import { Outbox } from '#agent/outbox/outbox.ts';
import { systemClock } from '#runtime/clock.ts';
import { createLogger } from '#runtime/log.ts';

/**
 * Child of a crash test: stores answers with their openings for ever, and gives every second one its receipt. Says the name of each opening when its
 * answer is stored, which is when it may be sent.
 */
const folder = process.argv[2]!;
const log = createLogger({ name: 'test', level: 'error', format: 'json' });
const openings = await OpeningLog.open(join(folder, 'openings'));
const directory = join(folder, 'outbox');
const bounds = { maxBytes: 1e9, maxAgeMs: 1e9 };
const outbox = await Outbox.open({ directory, ...bounds, openings, clock: systemClock, log });
for (let sequence = 1; ; sequence++) {
  const wire = new Uint8Array(9_000).fill(sequence);
  const answer = createHash('sha256').update(`${process.pid} ${sequence}`).digest('hex');
  const sealed = new Uint8Array(20_000).fill(sequence % 251);
  const opening = { answer, bytes: sealed.length, stored: openings.append([{ answer, sealed }]) };
  const about = { session: 1, sequence, camera: 'front', historical: false };
  const entry = await outbox.append({ ...about, wire, opening });
  process.stdout.write(`${answer}\n`);
  if (sequence % 2 === 0) await outbox.settle(entry.digest);
}
