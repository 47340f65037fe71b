import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AgentConfig, type CameraConfig } from '#config/schema.ts';
import { SimulatedClock } from '#runtime/simulated-clock.ts';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import { Camera } from './camera.ts';
import { CameraSet } from './camera-set.ts';
import { readAddress } from './read-address.ts';

const cameraOf = (more: object): CameraConfig =>
  AgentConfig.shape.cameras.parse([{ name: 'door', url: 'rtsp://127.0.0.1:1/', ...more }])[0]!;

/** Cameras without a capture: what they ask for before each attempt never comes, and is counted. */
function cameras(...configs: CameraConfig[]) {
  const asked: CameraConfig[] = [];
  const set = new CameraSet(
    configs,
    (config, current) =>
      new Camera({
        config,
        readAddress: () => {
          asked.push(current());
          return Promise.reject(new Error('no address'));
        },
        clock: new SimulatedClock(),
        onFrame: () => {},
        onState: () => {},
      }),
  );
  return { set, asked };
}

async function credentials(name: string, line: string): Promise<string> {
  const file = join(await temporaryDirectory(), name);
  await writeFile(file, line, { mode: 0o600 });
  return file;
}

describe('CameraSet', () => {
  it('does not touch a camera whose password came again in another file, and reads it there from then on', async () => {
    const before = cameraOf({ credentials: await credentials('1', 'user:secret') });
    const after = cameraOf({ credentials: await credentials('2', 'user:secret') });
    const { set } = cameras(before);
    const [camera] = set.all;
    await set.apply([after]);
    expect(set.all).toEqual([camera]);
    const other = cameraOf({ credentials: await credentials('3', 'user:other') });
    await set.apply([other]);
    expect(set.all[0]).not.toBe(camera);
    await set.apply([cameraOf({ credentials: '/nowhere' })]);
    await set.apply([cameraOf({})]);
    expect(set.all[0]!.config.credentials).toBeUndefined();
  });

  it('asks for the address where the newest settings say', async () => {
    const before = cameraOf({ credentials: await credentials('1', 'user:secret') });
    const after = cameraOf({ credentials: await credentials('2', 'user:secret') });
    const { set, asked } = cameras(before);
    await set.apply([after]);
    const running = new AbortController();
    const ran = set.run(running.signal);
    running.abort();
    await ran;
    expect(asked).toEqual([after]);
    expect((await readAddress(asked[0]!)).secrets).toContain('secret');
  });

  it('starts each camera once where it is run while other settings are applied', async () => {
    const { set, asked } = cameras(cameraOf({}));
    const applied = set.apply([cameraOf({ rate: 3 }), cameraOf({ name: 'yard' })]);
    const running = new AbortController();
    const ran = set.run(running.signal);
    await applied;
    const started = asked.filter(({ name, rate }) => name === 'yard' || rate === 3);
    expect(started.map(({ name }) => name).sort()).toEqual(['door', 'yard']);
    running.abort();
    await ran;
  });
});
