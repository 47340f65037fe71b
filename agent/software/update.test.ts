import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Mode, UpdateBox } from '../testing/update-box.ts';

function box(): UpdateBox {
  const made = new UpdateBox();
  onTestFinished(() => made.close());
  return made;
}

const startsOf = (gateway: UpdateBox) => gateway.starts.map(({ version, slot }) => `${version} ${slot}`);

describe('an update of the program', () => {
  it('is tried, proves itself, and is started from then on; the next one takes the other slot', async () => {
    const gateway = box();
    gateway.start();
    await gateway.reported('1.0.0', 'none');
    gateway.publish(await gateway.release('good', '1.1.0'));
    expect(await gateway.reported('1.1.0', 'active')).toMatchObject({ counter: 1, version: '1.1.0' });
    gateway.publish(await gateway.release('good', '1.2.0'));
    await gateway.reported('1.2.0', 'active');
    // Back to the first version: a new release, of the same archive.
    gateway.publish(await gateway.release('good', '1.1.0'));
    expect(await gateway.reported('1.1.0', 'active')).toMatchObject({ counter: 3 });
    expect(startsOf(gateway)).toEqual(['1.0.0 base', '1.1.0 a', '1.2.0 b', '1.1.0 a']);
    await gateway.until(() => gateway.events.length === 3);
    expect(gateway.events.map(({ code }) => code)).toEqual(new Array(3).fill('SOFTWARE_ACTIVE'));
    expect(readdirSync(join(gateway.software, 'archives'))).toEqual([]);
    // The program that runs, signed anew: nothing is fetched, nothing is started.
    const { counter } = (await gateway.reported('1.1.0', 'active')) ?? {};
    gateway.publish({ ...(await gateway.release('good', '1.1.0')), archive: Buffer.alloc(0) });
    await gateway.until(() => gateway.reports.at(-1)?.counter === counter + 1);
    expect(await gateway.reported('1.1.0', 'active')).toMatchObject({ counter: 4 });
    gateway.kill('SIGTERM');
    await gateway.until(() => gateway.starts.length === 5);
    await gateway.reported('1.1.0', 'active');
    expect(startsOf(gateway).at(-1)).toBe('1.1.0 a');
    // systemd knows the launcher, and reaches the program.
    expect(gateway.starts.at(-1)?.pid).toBe(gateway.pid);
  });

  it.each<[Mode, string, string, number]>([
    ['exits', 'SOFTWARE_DIED', 'ended 3 times', 3],
    ['hangs', 'SOFTWARE_UNHEALTHY', 'neither proved itself nor gave up', 1],
    ['dark', 'SOFTWARE_UNHEALTHY', 'no pictures from front, which', 1],
  ])('that %s is taken back, with the reason %s, and not tried again', async (mode, code, message, tries) => {
    const gateway = box();
    if (mode !== 'exits') gateway.environment.FAKE_LIMIT_MS = '1000';
    if (mode === 'hangs') gateway.environment.FAKE_GRACE_MS = '3000';
    gateway.start();
    await gateway.reported('1.0.0', 'none');
    gateway.publish(await gateway.release(mode, '1.1.0'));
    const report = await gateway.reported('1.0.0', 'rolled-back', code);
    expect(report).toMatchObject({ version: '1.0.0', counter: 1 });
    expect(report.error?.message).toContain(message);
    await gateway.until(() => gateway.events.some((event) => event.code === code));
    expect(gateway.lines).toContain(code);
    gateway.kill();
    const ofBase = () => startsOf(gateway).filter((start) => start === '1.0.0 base').length;
    await gateway.until(() => ofBase() === 3);
    await gateway.reported('1.0.0', 'rolled-back', code);
    // On a machine that is slow enough one that hangs is ended before it can note its start.
    const tried = startsOf(gateway).filter((start) => start === '1.1.0 a').length;
    expect(mode === 'hangs' ? [0, 1] : [tries]).toContain(tried);
    // It may be told twice, where the kill came before the gateway knew that it was heard.
    const told = gateway.events.filter((event) => event.code === code).map((event) => JSON.stringify(event));
    expect(new Set(told).size).toBe(1);
  });

  it('that is bad after a good one goes back to that, and the next good one is taken', async () => {
    const gateway = box();
    gateway.start();
    for (const [mode, version] of [
      ['good', '1.1.0'],
      ['exits', '1.2.0'],
      ['good', '1.3.0'],
    ] as const) {
      gateway.publish(await gateway.release(mode, version));
      if (mode === 'good') await gateway.reported(version, 'active');
      else await gateway.reported('1.1.0', 'rolled-back', 'SOFTWARE_DIED');
    }
    expect([...new Set(startsOf(gateway))]).toEqual(['1.0.0 base', '1.1.0 a', '1.2.0 b', '1.3.0 b']);
  });
});
