import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SimulatedClock } from '#runtime/simulated-clock.ts';
import { CommandJournal } from './command/command-journal.ts';
import { ConfigurationStateFile } from './configuration/state-file.ts';
import { type RolloutState, RolloutStateFile } from './rollout/rollout-state.ts';
import { temporaryDirectory } from './testing/temporary-directory.ts';
import { CameraList } from './uplink/camera-list.ts';

const digest = 'ab'.repeat(32);
const never = () => Promise.reject(new Error('the file of a later version was taken for damaged'));

/** Adds a field to every object in a file, as a later version of the program may. */
async function age(path: string): Promise<void> {
  const later = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(later);
    if (value === null || typeof value !== 'object') return value;
    const entries = Object.entries(value).map(([key, each]) => [key, later(each)]);
    return { ...Object.fromEntries(entries), later: { of: ['a later version'] } };
  };
  await writeFile(path, JSON.stringify(later(JSON.parse(await readFile(path, 'utf8')))));
}

/** An update that is taken back leaves what the newer program wrote. Those of the updates themselves: launcher/choose.test.ts. */
describe('a program that is gone back to reads what a later version left', () => {
  it('about its bundle', async () => {
    const path = join(await temporaryDirectory(), 'rollout.json');
    const state: RolloutState = {
      active: digest,
      previous: 'cd'.repeat(32),
      counter: 7,
      counterOf: digest,
      rolledBack: { digest: 'ef'.repeat(32), code: 'BUNDLE_OF_LATER', message: 'x' },
    };
    await writeFile(path, JSON.stringify(state));
    await age(path);
    expect((await RolloutStateFile.open(path, never)).current).toEqual(state);
  });

  it('about its settings', async () => {
    const path = join(await temporaryDirectory(), 'state.json');
    const file = await ConfigurationStateFile.open(path, async () => 0);
    await file.update({ highest: 7, running: 7, previous: 6 });
    await age(path);
    const again = await ConfigurationStateFile.open(path, never);
    expect(again.current).toEqual(file.current);
  });

  it('about commands', async () => {
    const directory = await temporaryDirectory();
    const clock = new SimulatedClock();
    const path = join(directory, 'state.json');
    const entry = {
      id: '0123456789abcdef'.repeat(2),
      type: 'logs',
      expiresMs: clock.now() + 1e6,
      answered: false,
      sent: false,
    };
    await writeFile(path, JSON.stringify({ entries: [entry], forgottenMs: 1, lostMs: 2 }));
    const before = (await CommandJournal.open(directory, clock)).entries;
    await age(path);
    expect((await CommandJournal.open(directory, clock)).entries).toEqual(before);
    expect(before).toEqual([entry]);
  });

  it('about cameras that are gone', async () => {
    const path = join(await temporaryDirectory(), 'cameras.json');
    await CameraList.open(path, ['front', 'back']);
    await age(path);
    expect((await CameraList.open(path, ['front'])).gone).toEqual(['back']);
  });
});
