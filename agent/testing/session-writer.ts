import { SessionCounter } from '#agent/uplink/session-counter.ts';

/** Child of a crash test: begins sessions for ever, on a clock that stands still, and says the number of each. */
const folder = process.argv[2]!;
const sessions = await SessionCounter.open(folder, { now: () => 0 });
for (;;) {
  process.stdout.write(`${sessions.session}\n`);
  sessions.connected();
  await sessions.forConnection();
}
