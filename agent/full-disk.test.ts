import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mountSmallDisk, NO_MOUNT, type SmallDisk } from '#runtime/testing/small-disk.ts';
import { TestBackend } from './testing/test-backend.ts';
import { TestSite } from './testing/test-site.ts';
import { until } from './testing/until.ts';

let site: TestSite;
let backend: TestBackend | null = null;
/** All that the gateway writes to; null where this user may not mount. */
let disk: SmallDisk | null = null;
let data: string;

beforeAll(async () => {
  site = await TestSite.create('  - { name: front, url: "rtsp://127.0.0.1:1/none", enabled: false }');
  data = join(site.directory, 'data');
  await mkdir(data);
  disk = mountSmallDisk(1, data);
  if (disk === null) return;
  await writeFile(join(data, 'session.json'), '{"session":4000000000}');
  disk.fill();
  await site.startBroker();
  backend = await TestBackend.connect(site);
});

afterAll(async () => {
  await backend?.close();
  await site?.stopAgent('SIGKILL');
  disk?.unmount();
  await site?.close();
});

const session = () => backend?.births.at(-1)?.session ?? 0;

/** One story: each step starts where the one before it ended. */
describe('a gateway whose whole disk is full', () => {
  it('waits with its first start until there is space, and says so', async ({ skip }) => {
    if (disk === null) return skip(NO_MOUNT);
    site.startAgent();
    await until('its reason', () => site.logs.includes('starting once there is space'));
    expect(site.logs).toMatch(/the disk of the gateway is full: \S+data has no room/);
    expect(session()).toBe(0);
    disk.empty();
    await until('a birth', () => session() > 0);
    expect(session(), 'goes on from the file of a version before').toBe(4_000_000_001);
    expect(await readdir(data)).not.toContain('session.json');
  });

  it('comes back when the link is lost, in a new session', async ({ skip }) => {
    if (disk === null) return skip(NO_MOUNT);
    disk.fill();
    await expect(writeFile(join(data, 'more'), 'x')).rejects.toMatchObject({ code: 'ENOSPC' });
    const before = session();
    await site.stopBroker();
    await site.startBroker();
    await until('a birth', () => session() > before);
  });

  it('starts again after kill -9, in a new session', async ({ skip }) => {
    if (disk === null) return skip(NO_MOUNT);
    const before = session();
    await site.stopAgent('SIGKILL');
    site.startAgent();
    await until('a birth', () => session() > before);
    expect(await site.stopAgent('SIGTERM')).toBe(0);
  });
});
