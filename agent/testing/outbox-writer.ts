import { Outbox } from '#agent/outbox/outbox.ts';
import { systemClock } from '#runtime/clock.ts';
import { createLogger } from '#runtime/log.ts';

/** Child of the crash test: appends for ever, and says the number of each answer when it is stored. */
const outbox = await Outbox.open({
  directory: process.argv[2]!,
  maxBytes: 1e9,
  maxAgeMs: 1e9,
  clock: systemClock,
  log: createLogger({ name: 'test', level: 'error', format: 'json' }),
});
for (let sequence = 1; ; sequence++) {
  const wire = new Uint8Array(10_000).fill(sequence);
  await outbox.append({ session: 1, sequence, camera: 'front', historical: false, wire });
  process.stdout.write(`${sequence}\n`);
}
