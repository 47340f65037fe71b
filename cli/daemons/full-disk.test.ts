import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { initializeSite } from '#backend/operations/initialize-site.ts';
import { DaemonProcess } from '#demo/daemon-process.ts';
import { freePort } from '#runtime/ports.ts';
import { isAlive, listens } from '#runtime/probe.ts';
import { mountSmallDisk, NO_MOUNT } from '#runtime/testing/small-disk.ts';

const WAIT = { timeout: 90_000, interval: 100 };

describe('backend and broker that are started on a full disk', () => {
  const logs = mkdtempSync(join(tmpdir(), 'blindsight-full-'));
  const cleanUps: (() => void | Promise<void>)[] = [() => rmSync(logs, { recursive: true })];
  afterAll(async () => {
    for (const cleanUp of cleanUps.reverse()) await cleanUp();
  });

  it('live on: the broker works at once, the backend says why it waits and works as soon as there is space', async ({
    skip,
  }) => {
    const disk = mountSmallDisk(4);
    if (disk === null) return skip(NO_MOUNT);
    cleanUps.push(() => disk.unmount());
    const apiPort = await freePort(0);
    const brokerPort = await freePort(0);
    const site = await initializeSite(join(disk.folder, 'site'), 'yard', { apiPort, brokerPort });
    disk.fill();
    const ends: string[] = [];
    const daemon = (name: string, configFile: string) => {
      const started = new DaemonProcess(name, configFile, join(logs, name), (end) => ends.push(end));
      cleanUps.push(() => started.stop());
      started.start();
    };
    daemon('backend', site.configFile);
    daemon('broker', site.brokerConfigFile);
    const lines = (name: string) =>
      readFileSync(join(logs, name), 'utf8')
        .split('\n')
        .filter((line) => line.includes('"code":"DISK_FULL"'));
    await vi.waitFor(() => expect(lines('backend')).toHaveLength(1), WAIT);
    expect(lines('backend')[0]).toMatch(
      /the disk of the backend is full: \S+ cannot grow.*starting once there is space/,
    );
    await vi.waitFor(async () => expect(await listens(brokerPort, '127.0.0.1')).toBe(true), WAIT);
    disk.empty();
    await vi.waitFor(async () => expect(await isAlive('127.0.0.1', apiPort)).toBe(true), WAIT);
    expect(lines('backend').at(-1)).toContain('there is space on the disk again');
    expect(ends).toEqual([]);
  });
});
