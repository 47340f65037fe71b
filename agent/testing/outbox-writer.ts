import { Outbox } from '#agent/outbox/outbox.ts';
import { systemClock } from '#runtime/clock.ts';
import { createLogger } from '#runtime/log.ts';

/** Child of the crash tests: appends for ever, and says the number of each answer when it is stored, negative when it is lost and counted. */
const outbox = await Outbox.open({
  directory: process.argv[2]!,
  maxBytes: 1e9,
  maxAgeMs: 1e9,
  clock: systemClock,
  log: createLogger({ name: 'test', level: 'error', format: 'json' }),
});
for (let sequence = 1; ; sequence++) {
  const wire = new Uint8Array(10_000).fill(sequence);
  const stored = await outbox.append({ session: 1, sequence, camera: 'front', historical: false, wire }).then(
    () => true,
    () => false,
  );
  process.stdout.write(`${stored ? sequence : -sequence}\n`);
}
