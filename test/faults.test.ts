import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SiteState } from '#protocol/api.ts';
import { seededDelays } from '#runtime/testing/seeded-delays.ts';
import { freePort } from '../demo/ports.ts';
import { SiteProcess } from './testing/site-process.ts';

/** The daemons start again by themselves, as under systemd; what is proven is that no answer is lost and none is decrypted twice. It may be published twice, as the same bytes. */
describe('kill -9 at any moment', () => {
  let data: string;
  let site: SiteProcess;

  const state = async () => (await (await fetch(`${site.origin}/api/state`)).json()) as SiteState;
  const kill = (name: string) => {
    const member = site.members.find(({ command }) => command.includes(`main.ts ${name} `));
    expect(member, `${name} runs`).toBeDefined();
    process.kill(member!.pid, 'SIGKILL');
  };
  /** Waits until results come that were captured after now. */
  const untilAnsweredAnew = async () => {
    const now = Date.now();
    await expect
      .poll(() => site.results.filter((result) => Date.parse(result.frameTime) > now).length, {
        timeout: 90_000,
        interval: 250,
      })
      .toBeGreaterThan(1);
  };

  beforeAll(async () => {
    data = mkdtempSync(join(tmpdir(), 'blindsight-faults-'));
    site = new SiteProcess(data, '--port', String(await freePort(0)));
  });
  afterAll(() => {
    site.cleanUp();
    rmSync(data, { recursive: true, force: true });
  });

  it('starts', async () => {
    await expect.poll(() => site.lines.length, { timeout: 240_000, interval: 250 }).toBeGreaterThan(2);
  });

  it.each(['broker', 'backend', 'agent', 'backend'])('%s comes back', async (name) => {
    const [delayMs = 0] = seededDelays(1, 2_000);
    await sleep(delayMs);
    kill(name);
    await untilAnsweredAnew();
    const { gateways } = await state();
    expect(gateways[0]).toMatchObject({ quarantine: null, reported: { bundle: { status: 'active' } } });
  });

  it('broker and backend die together', async () => {
    kill('broker');
    kill('backend');
    await untilAnsweredAnew();
  });

  it('lost none and decrypted none twice', async () => {
    const frames = site.results.map(({ camera, frameTime }) => `${camera} ${frameTime}`);
    // Decrypted again it would differ, in its sequence or in the time that it took.
    expect(new Set(site.lines).size).toBe(new Set(frames).size);
    // After an absence what is current comes first: what waited is missing until it is settled.
    await expect
      .poll(async () => (await state()).counters, { timeout: 90_000, interval: 250 })
      .toMatchObject({ gaps: 0, withheld: 0, refused: {} });
    site.child.kill('SIGTERM');
    expect(await site.exit).toBe(0);
    await expect.poll(() => site.members, { timeout: 60_000 }).toEqual([]);
  });
});
