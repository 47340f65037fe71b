import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { seededDelays } from '#runtime/testing/seeded-delays.ts';
import { UpdateBox } from '../testing/update-box.ts';

/** Every run draws other moments; `npm run test:long` has 200. */
const KILLS = Number(process.env.BLINDSIGHT_KILLS ?? 16);

it(`survives kill -9 at ${KILLS} random moments of updates`, {
  timeout: 300_000 + KILLS * 5_000,
}, async () => {
  const gateway = new UpdateBox();
  onTestFinished(() => gateway.close());
  // What is fetched and unpacked takes a while: most moments are in the middle of something.
  const files = Object.fromEntries(
    Array.from({ length: 200 }, (_, i) => [`files/${i}`, randomBytes(10_000)] as const),
  );
  let version = 0;
  const next = () => gateway.release('good', `1.1.${++version}`, {}, files);
  gateway.publish(await next());
  gateway.start();
  const phases = new Map<string, number>();
  for (const [kill, ms] of seededDelays(KILLS, 600).entries()) {
    const starts = gateway.starts.length;
    // Some while the launcher chooses; but if nothing ever ran, nothing would go on.
    if (kill % 4 > 0) await gateway.until(() => gateway.starts.length > starts);
    await delay(ms);
    const report = gateway.reports.at(-1);
    const phase = report?.status ?? 'launcher';
    phases.set(phase, (phases.get(phase) ?? 0) + 1);
    gateway.kill();
    const isDecided = report?.status === 'active' || report?.status === 'rolled-back';
    if (isDecided && report.counter === version) gateway.publish(await next());
  }
  gateway.publish(await next());
  expect(await gateway.reported(`1.1.${version}`, 'active')).toMatchObject({ counter: version });
  expect(gateway.lines, 'nothing half-made was ever chosen').not.toMatch(/is not started|damaged/);
  expect(new Set(gateway.starts.map(({ slot }) => slot)).size, JSON.stringify([...phases])).toBeGreaterThan(
    1,
  );
  if (KILLS > 16) process.stderr.write(`${version} releases, killed while ${JSON.stringify([...phases])}\n`);
});
