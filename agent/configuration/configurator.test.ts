import { generateKeyPairSync } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sealCredential } from '#protocol/credential-seal.ts';
import { mountSmallDisk, NO_MOUNT } from '#runtime/testing/small-disk.ts';
import { fileOf, configuredGateway as gateway, order, sealing } from '../testing/configured-gateway.ts';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import { until } from '../testing/until.ts';
import { TRIAL_MS } from './configurator.ts';

describe('a pushed configuration', () => {
  it('is applied, survives a restart, and leaves the one before it to go back to', async () => {
    const data = await temporaryDirectory();
    const { configurator, clock, applied, events, told } = await gateway(data);
    expect(configurator.report).toMatchObject({ status: 'none', version: 0, running: 0, drift: false });
    for (const version of [1, 2, 3]) {
      configurator.receive(order(version, `healthSeconds: ${version}\n`));
      await told(version, 'applied');
      await clock.advance(TRIAL_MS);
    }
    await configurator.close();
    expect(applied.map(({ healthSeconds }) => healthSeconds)).toEqual([1, 2, 3]);
    expect(applied.at(-1)).toMatchObject({ site: 'town', broker: { url: 'mqtts://b:1' } });
    expect(events).toEqual([1, 2, 3].map((version) => `CONFIGURATION_APPLIED: version ${version} runs`));
    expect((await readdir(join(data, 'configuration'))).sort()).toEqual(['2', '3', 'state.json']);
    const again = await gateway(data);
    expect(again.configurator.config.healthSeconds).toBe(3);
    expect(again.configurator.report).toMatchObject({ status: 'applied', version: 3, running: 3 });
    await again.configurator.close();
  });

  it.each([
    [
      'a typo',
      'healthSecond: 5\n',
      /^version 1:1:1: healthSecond: unknown setting; did you mean "healthSeconds"\?/,
    ],
    [
      'a mask that is none',
      'cameras:\n  - name: door\n    url: rtsp://c/\n    masks: [[[0, 2]]]\n',
      /^version 1:4:1\d: cameras\[0\]\.masks\[0\]/,
    ],
    ['who the gateway is', 'gateway: other\n', /gateway/],
    ['a broker', 'broker: { url: "mqtts://evil:1" }\n', /broker/],
    [
      'credentials that did not come along',
      'cameras:\n  - { name: door, url: "rtsp://c/", credentials: x }\n',
      /camera door/,
    ],
    [
      'a YAML bomb',
      `a: &a [1]\n${[...'bcdefgh'].map((name, i) => `${name}: &${name} [${`*${'abcdefg'[i]},`.repeat(9)}]`).join('\n')}\n`,
      /./,
    ],
    [
      'reports without a pause',
      'healthSeconds: 0.001\n',
      /^version 1:1:16: healthSeconds: expected at least 1/,
    ],
    ['text that is no YAML', '{[', /^version 1:1:/],
  ])('is rejected for %s, and changes nothing', async (_, settings, message) => {
    const data = await temporaryDirectory();
    const { configurator, applied, told, events } = await gateway(data);
    configurator.receive(order(1, settings));
    await told(1, 'rejected');
    expect(configurator.report.error!.message).toMatch(message);
    expect(configurator.report).toMatchObject({ running: 0 });
    expect(events).toEqual([expect.stringMatching(/^CONFIGURATION_REJECTED: version 1: /)]);
    expect(applied).toEqual([]);
    // The next one is not held back by it.
    configurator.receive(order(2, 'healthSeconds: 2\n'));
    await told(2, 'applied');
    await configurator.close();
  });

  it('is not even reported where its signature is another’s, or where it is for another gateway', async () => {
    const { configurator, events } = await gateway(await temporaryDirectory());
    const wires = [
      order(1, 'healthSeconds: 1\n', {}, generateKeyPairSync('ed25519').privateKey),
      order(1, 'healthSeconds: 1\n', { gateway: 'gate-2' }),
      order(1, 'healthSeconds: 1\n', { site: 'village' }),
      new Uint8Array([1, 2, 3]),
    ];
    for (const wire of wires) configurator.receive(wire);
    configurator.receive(new Uint8Array());
    await until('four events', () => events.length === wires.length);
    expect(events.map((event) => event.split(':')[0])).toEqual([
      ...new Array(3).fill('CONFIGURATION_FOREIGN'),
      'CONFIGURATION_INVALID',
    ]);
    expect(configurator.report).toMatchObject({ status: 'none', version: 0, running: 0 });
    await configurator.close();
  });

  it('is left where it is older than one that was known, also by a gateway whose state file is damaged', async () => {
    const data = await temporaryDirectory();
    const first = await gateway(data);
    first.configurator.receive(order(5, 'healthSeconds: 5\n'));
    await first.told(5, 'applied');
    first.configurator.receive(order(4, 'healthSeconds: 4\n'));
    await until('an event', () => first.events.some((event) => event.startsWith('CONFIGURATION_OLD')));
    expect(first.configurator.config.healthSeconds).toBe(5);
    await first.configurator.close();
    await writeFile(join(data, 'configuration', 'state.json'), '{');
    const damaged = await gateway(data);
    damaged.configurator.receive(order(4, 'healthSeconds: 4\n'));
    await until('an event', () => damaged.events.length > 0);
    expect(damaged.events[0]).toMatch(/^CONFIGURATION_OLD/);
    expect(damaged.configurator.report.running).toBe(0);
    // The newest is what the site believes to run here: it is tried once more.
    damaged.configurator.receive(order(5, 'healthSeconds: 5\n'));
    await damaged.told(5, 'applied');
    await damaged.configurator.close();
  });

  it('brings the credentials of cameras, sealed to the gateway, for nobody else to read', async () => {
    const data = await temporaryDirectory();
    const { configurator, told } = await gateway(data);
    const settings = 'cameras:\n  - { name: door, url: "rtsp://c/", credentials: any.name }\n';
    const place = { site: 'town', gateway: 'gate-1', camera: 'door' };
    const sealed = await sealCredential(sealing.publicKey, 'user:secret', place);
    configurator.receive(order(1, settings, { credentials: [{ camera: 'door', sealed }] }));
    await told(1, 'applied');
    const file = configurator.config.cameras[0]!.credentials!;
    expect(await readFile(file, 'utf8')).toBe('user:secret');
    const elsewhere = await sealCredential(sealing.publicKey, 'user:secret', { ...place, camera: 'hall' });
    configurator.receive(order(2, settings, { credentials: [{ camera: 'door', sealed: elsewhere }] }));
    await told(2, 'rejected');
    expect(configurator.report).toMatchObject({ running: 1, error: { code: 'CONFIGURATION_CREDENTIAL' } });
    await configurator.close();
  });

  it('is given up where there is no link a minute later, and what ran before runs again', async () => {
    const data = await temporaryDirectory();
    const { configurator, clock, world, applied, told } = await gateway(data);
    configurator.receive(order(1, 'healthSeconds: 1\n'));
    await told(1, 'applied');
    await clock.advance(TRIAL_MS);
    world.link = false;
    configurator.receive(order(2, 'healthSeconds: 2\n'));
    await told(2, 'received');
    await until('a wait', () => clock.sleeping > 0);
    await clock.advance(TRIAL_MS - 2_000);
    expect(configurator.report).toMatchObject({ status: 'received', running: 2 });
    await clock.advance(5_000);
    await told(2, 'reverted');
    expect(configurator.report).toMatchObject({ running: 1, error: { code: 'CONFIGURATION_NO_LINK' } });
    await configurator.close();
    expect(applied.map(({ healthSeconds }) => healthSeconds)).toEqual([1, 2, 1]);
  });

  it('is given up where it cannot be applied', async () => {
    const { configurator, world, told, applied } = await gateway(await temporaryDirectory());
    world.refuse = 'no such thing';
    configurator.receive(order(1, 'healthSeconds: 666\n'));
    await told(1, 'reverted');
    expect(configurator.report.error!.message).toContain('could not be applied: no such thing');
    expect(configurator.report.running).toBe(0);
    await configurator.close();
    expect(applied.at(-1)!.healthSeconds).toBe(30);
  });

  it('gives way to one that was pushed a moment before and works, which then has a trial of its own', async () => {
    const data = await temporaryDirectory();
    const { configurator, clock, world, told, applied } = await gateway(data);
    configurator.receive(order(1, 'healthSeconds: 1\n'));
    await told(1, 'applied');
    await clock.advance(TRIAL_MS);
    configurator.receive(order(2, 'healthSeconds: 2\n'));
    await told(2, 'applied');
    configurator.receive(order(3, 'healthSeconds: 3\n'));
    await told(3, 'applied');
    world.refuse = 'no such thing';
    configurator.receive(order(4, 'healthSeconds: 666\n'));
    await told(4, 'reverted');
    expect(configurator.report).toMatchObject({ running: 3, version: 4, status: 'reverted' });
    // Once more, in the second trial of version 3.
    await until('a wait', () => clock.sleeping > 0);
    configurator.receive(order(5, 'healthSeconds: 666\n'));
    await told(5, 'reverted');
    expect(configurator.report.running).toBe(3);
    // Version 3 stifles the link, after all: back to the last one that lasted its minute.
    world.link = false;
    await until('a wait', () => clock.sleeping > 0);
    await clock.advance(2 * TRIAL_MS);
    await until('version 1 runs', () => configurator.report.running === 1);
    expect(configurator.report).toMatchObject({
      ...{ version: 5, status: 'reverted', error: { message: expect.stringContaining('no such thing') } },
      revertedSince: [{ version: 3, error: { code: 'CONFIGURATION_NO_LINK' } }],
    });
    await configurator.close();
    expect(applied.map(({ healthSeconds }) => healthSeconds).at(-1)).toBe(1);
  });

  it('stays given up, and told so, where the one before it is given up as well before the broker hears of it', async () => {
    const data = await temporaryDirectory();
    const first = await gateway(data);
    for (const version of [1, 2]) {
      first.configurator.receive(order(version, `healthSeconds: ${version}\n`));
      await first.told(version, 'applied');
      if (version === 1) await first.clock.advance(TRIAL_MS);
    }
    first.world.link = false;
    first.configurator.receive(order(3, 'healthSeconds: 3\n'));
    await first.told(3, 'received');
    for (const running of [2, 1]) {
      await until('a wait', () => first.clock.sleeping > 0);
      await first.clock.advance(TRIAL_MS + 1_000);
      await until(`version ${running} runs`, () => first.configurator.report.running === running);
    }
    const fate = {
      ...{ version: 3, status: 'reverted', running: 1 },
      revertedSince: [{ version: 2, error: { code: 'CONFIGURATION_NO_LINK' } }],
    };
    expect(first.configurator.report).toMatchObject(fate);
    await first.configurator.close();
    // The link comes back, and with it the newest, which is retained.
    const second = await gateway(data);
    second.configurator.receive(order(3, 'healthSeconds: 3\n'));
    second.configurator.receive(order(4, 'healthSeconds: 4\n'));
    await second.told(4, 'applied');
    expect(second.applied.map(({ healthSeconds }) => healthSeconds)).toEqual([4]);
    expect(second.configurator.report).not.toHaveProperty('revertedSince');
    await second.configurator.close();
  });

  it('is given up where the process ends twice while it is tried, and not once', async () => {
    const data = await temporaryDirectory();
    const { configurator, told } = await gateway(data);
    configurator.receive(order(1, 'healthSeconds: 1\n'));
    await told(1, 'applied');
    // As kill -9 leaves it: nothing is closed.
    const once = await gateway(data);
    expect(once.configurator.report.running).toBe(1);
    const twice = await gateway(data);
    expect(twice.configurator.report).toMatchObject({
      running: 0,
      status: 'reverted',
      error: { code: 'CONFIGURATION_DEATHS' },
    });
    expect(twice.configurator.config.healthSeconds).toBe(30);
    for (const each of [configurator, once.configurator, twice.configurator]) await each.close();
  });

  it('is not given up where the process is stopped in peace, however often', async () => {
    const data = await temporaryDirectory();
    const first = await gateway(data);
    first.configurator.receive(order(1, 'healthSeconds: 1\n'));
    await first.told(1, 'applied');
    await first.configurator.close();
    for (let i = 0; i < 4; i++) {
      const { configurator } = await gateway(data);
      expect(configurator.report.running).toBe(1);
      await configurator.close();
    }
  });

  it('gives way to the one before it where it is damaged on the disk', async () => {
    const data = await temporaryDirectory();
    const { configurator, clock, told } = await gateway(data);
    for (const version of [1, 2]) {
      configurator.receive(order(version, `healthSeconds: ${version}\n`));
      await told(version, 'applied');
      await clock.advance(TRIAL_MS);
    }
    await configurator.close();
    await rm(join(data, 'configuration', '2', 'settings.yaml'));
    const again = await gateway(data);
    expect(again.configurator.config.healthSeconds).toBe(1);
    expect(again.configurator.report).toMatchObject({ running: 1, error: { code: 'CONFIGURATION_LOST' } });
    await again.configurator.close();
  });

  it('stays or gives way where somebody edited the file, as that says', async () => {
    const data = await temporaryDirectory();
    const { configurator, clock, told } = await gateway(data);
    configurator.receive(order(1, 'healthSeconds: 1\n'));
    await told(1, 'applied');
    await clock.advance(TRIAL_MS);
    await configurator.reload(fileOf(data, { healthSeconds: 7 }));
    expect(configurator.report).toMatchObject({ drift: true, running: 1 });
    expect(configurator.config.healthSeconds).toBe(1);
    await configurator.reload(fileOf(data, { healthSeconds: 7, configuration: { onEdit: 'file' } }));
    expect(configurator.report).toMatchObject({
      drift: false,
      running: 0,
      status: 'reverted',
      error: { code: 'CONFIGURATION_EDITED' },
    });
    expect(configurator.config.healthSeconds).toBe(7);
    await configurator.close();
  });

  it('waits no longer, and does not go back, where the gateway ends while it is applied', async () => {
    const data = await temporaryDirectory();
    const { configurator, clock, world, told } = await gateway(data);
    const applying = Promise.withResolvers<void>();
    world.applying = () => applying.promise;
    configurator.receive(order(1, 'healthSeconds: 1\n'));
    await told(1, 'received');
    const closed = configurator.close();
    applying.reject(new Error('the interpreter was closed'));
    await closed;
    expect(clock.sleeping).toBe(0);
    const again = await gateway(data);
    expect(again.configurator.config.healthSeconds).toBe(1);
    await again.configurator.close();
    const late = await gateway(await temporaryDirectory());
    const applied = Promise.withResolvers<void>();
    late.world.applying = () => applied.promise;
    late.configurator.receive(order(1, 'healthSeconds: 1\n'));
    await late.told(1, 'received');
    const ended = late.configurator.close();
    applied.resolve();
    await ended;
    await new Promise((resolve) => setImmediate(resolve));
    expect(late.clock.sleeping).toBe(0);
  });

  it('is given up, too, where the link goes while it is tried and does not come back', async () => {
    const { configurator, clock, world, told } = await gateway(await temporaryDirectory());
    configurator.receive(order(1, 'healthSeconds: 1\n'));
    await told(1, 'applied');
    world.link = false;
    await clock.advance(TRIAL_MS + 1_000);
    expect(configurator.report.running).toBe(1);
    await clock.advance(TRIAL_MS);
    await told(1, 'reverted');
    expect(configurator.report).toMatchObject({ running: 0, error: { code: 'CONFIGURATION_NO_LINK' } });
    await configurator.close();
  });

  it('is given up where the broker takes messages and never answers', async () => {
    const { configurator, clock, world, told } = await gateway(await temporaryDirectory());
    world.proving = new Promise(() => {});
    configurator.receive(order(1, 'healthSeconds: 1\n'));
    await told(1, 'received');
    await until('a wait', () => clock.sleeping > 0);
    await clock.advance(TRIAL_MS + 1_000);
    await told(1, 'reverted');
    await configurator.close();
  });

  it('leaves nothing on disk, credentials least of all, of versions that will not run again', async () => {
    const data = await temporaryDirectory();
    const folder = join(data, 'configuration');
    const { configurator, world, told } = await gateway(data);
    const place = { site: 'town', gateway: 'gate-1', camera: 'door' };
    const sealed = await sealCredential(sealing.publicKey, 'user:secret', place);
    world.refuse = 'no such thing';
    const settings = 'healthSeconds: 666\ncameras:\n  - { name: door, url: "rtsp://c/", credentials: x }\n';
    configurator.receive(order(1, settings, { credentials: [{ camera: 'door', sealed }] }));
    await told(1, 'reverted');
    await configurator.close();
    expect(await readdir(folder)).toEqual(['state.json']);
    await mkdir(join(folder, '.draft'));
    await writeFile(join(folder, '.draft', 'door.credentials'), 'user:secret');
    await (await gateway(data)).configurator.close();
    expect(await readdir(folder)).toEqual(['state.json']);
  });

  it('is refused where another came under its number', async () => {
    const { configurator, told } = await gateway(await temporaryDirectory());
    const wire = order(1, 'healthSeconds: 1\n');
    configurator.receive(wire);
    await told(1, 'applied');
    configurator.receive(wire);
    configurator.receive(order(1, 'healthSeconds: 5\n'));
    await told(1, 'rejected');
    expect(configurator.report).toMatchObject({ running: 1, error: { code: 'CONFIGURATION_OLD' } });
    expect(configurator.config.healthSeconds).toBe(1);
    await configurator.close();
  });

  it('ends, with its trial, where an edit of the file wins', async () => {
    const data = await temporaryDirectory();
    const { configurator, clock, world, told } = await gateway(data);
    configurator.receive(order(1, 'healthSeconds: 1\n'));
    await told(1, 'applied');
    world.link = false;
    await configurator.reload(fileOf(data, { healthSeconds: 7, configuration: { onEdit: 'file' } }));
    await clock.advance(3 * TRIAL_MS);
    expect(configurator.report).toMatchObject({ version: 1, error: { code: 'CONFIGURATION_EDITED' } });
    expect(await readdir(join(data, 'configuration'))).toEqual(['state.json']);
    await configurator.close();
  });

  it('leaves what runs, and says so, where an edited file cannot be applied', async () => {
    const data = await temporaryDirectory();
    const { configurator, world, applied } = await gateway(data);
    world.refuse = 'no such thing';
    await expect(configurator.reload(fileOf(data, { healthSeconds: 666 }))).rejects.toThrow('no such thing');
    expect(configurator.config.healthSeconds).toBe(30);
    expect(applied.at(-1)!.healthSeconds).toBe(30);
    await configurator.close();
  });

  it('is told to be given up also where what ran before does not run any more', async () => {
    const { configurator, world, told, events } = await gateway(await temporaryDirectory());
    world.applying = () => Promise.reject(new Error('no such file'));
    configurator.receive(order(1, 'healthSeconds: 1\n'));
    await told(1, 'reverted');
    await until('its event', () => events.length > 0);
    expect(events[0]).toMatch(/^CONFIGURATION_REVERTED: version 1 could not be applied: no such file/);
    await configurator.close();
  });

  it('is refused in no more words than a broker takes', async () => {
    const { configurator, told } = await gateway(await temporaryDirectory());
    configurator.receive(order(1, `? ${'x'.repeat(100_000)}\n: 1\n`));
    await told(1, 'rejected');
    expect(configurator.report.error!.message.length).toBeLessThanOrEqual(4_000);
    await configurator.close();
  });

  it('is refused, and told, where the disk is full; what ran goes on, and is given up as ever', async ({
    skip,
  }) => {
    const disk = mountSmallDisk(1);
    if (disk === null) return skip(NO_MOUNT);
    try {
      const { configurator, clock, world, told, events } = await gateway(disk.folder);
      configurator.receive(order(1, 'healthSeconds: 1\n'));
      await told(1, 'applied');
      disk.fill();
      configurator.receive(order(2, 'healthSeconds: 2\n'));
      await told(2, 'rejected');
      expect(configurator.report).toMatchObject({ running: 1, error: { code: 'DISK_FULL' } });
      expect(events.at(-1)).toMatch(/^CONFIGURATION_REJECTED: version 2/);
      expect((await readdir(join(disk.folder, 'configuration'))).sort()).toEqual(['1', 'state.json']);
      world.link = false;
      await clock.advance(2 * TRIAL_MS + 2_000);
      await until('the file runs', () => configurator.report.running === 0);
      expect(configurator.report).toMatchObject({ version: 2, revertedSince: [{ version: 1 }] });
      expect(configurator.config.healthSeconds).toBe(30);
      await configurator.close();
    } finally {
      disk.unmount();
    }
  });
});
