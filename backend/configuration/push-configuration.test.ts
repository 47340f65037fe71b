import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeConfiguration, verifyConfiguration } from '#protocol/configuration.ts';
import { openCredential } from '#protocol/credential-seal.ts';
import { enrolTestGateway, makeTestSite, type TestSite } from '../testing/test-site.ts';
import { type PushOptions, pushConfiguration, rollBackConfiguration } from './push-configuration.ts';
import { readCredentials } from './read-credentials.ts';

const SETTINGS = `cameras:
  - name: door
    url: rtsp://10.0.0.21/stream1
    credentials: door.credentials
`;

describe('settings that are pushed', () => {
  let site: TestSite;
  let sealing: { readonly publicKey: KeyObject; readonly privateKey: KeyObject };
  const push = (settings: string, more: Partial<PushOptions> = {}) =>
    pushConfiguration({ site, gateway: 'gate', settings, origin: 'gate.yaml', author: 'ann', ...more });
  const door = (text: string) => new Map([['door', text]]);

  beforeEach(async () => {
    site = await makeTestSite();
    sealing = generateKeyPairSync('x25519');
    await site.store.gateways.add({
      name: 'gate',
      signingKey: 'PEM',
      sealingKey: sealing.publicKey.export({ format: 'pem', type: 'spki' }) as string,
      certificateSerial: '01',
      certificateEndMs: 9,
      enrolledMs: 5,
    });
  });
  afterEach(() => site.close());

  /** What the gateway can open of a version, by camera. */
  async function opened(wire: Uint8Array): Promise<string[]> {
    const { credentials } = decodeConfiguration(wire).configuration;
    const key = createPrivateKey(sealing.privateKey.export({ format: 'pem', type: 'pkcs8' }));
    return Promise.all(
      credentials.map(async ({ camera, sealed }) => {
        const place = { site: 'yard', gateway: 'gate', camera };
        return `${camera} ${await openCredential(key, sealed, place)}`;
      }),
    );
  }

  it('are signed by the owner, with credentials that only the gateway opens', async () => {
    const { record, warnings } = await push(SETTINGS, { credentials: door('ann:geheim') });
    expect(warnings).toEqual([]);
    expect(record).toMatchObject({ gateway: 'gate', version: 1, author: 'ann', status: 'pending' });
    const decoded = decodeConfiguration(record.wire);
    expect(verifyConfiguration(decoded, site.ownerPublicKey)).toBe(true);
    expect(decoded.configuration).toMatchObject({
      site: 'yard',
      gateway: 'gate',
      version: 1,
      settings: SETTINGS,
    });
    expect(await opened(record.wire)).toEqual(['door ann:geheim']);
    expect(Buffer.from(record.wire).includes('geheim')).toBe(false);
    expect(await site.store.journal.latest(1)).toMatchObject([
      { code: 'CONFIGURATION_PUSHED', subject: 'gate' },
    ]);
  });

  it('keep the credentials of a camera that stays where it is, and of no other', async () => {
    await push(SETTINGS, { credentials: door('ann:geheim') });
    const kept = await push(SETTINGS.replace('stream1', 'stream2'));
    expect(await opened(kept.record.wire)).toEqual(['door ann:geheim']);
    for (const moved of ['rtsps://10.0.0.21', 'rtsp://10.0.0.21:8554', 'rtsp://10.0.0.21:port'])
      await expect(push(SETTINGS.replace('rtsp://10.0.0.21', moved))).rejects.toMatchObject({
        code: 'CONFIGURATION_CREDENTIAL',
      });
    await expect(push(SETTINGS.replace('10.0.0.21', '10.0.0.66'))).rejects.toMatchObject({
      code: 'CONFIGURATION_CREDENTIAL',
      message: expect.stringMatching(
        /^gate\.yaml:4:18: cameras\[0\]\.credentials: no user and password came with the settings \(on the command line: the file door\.credentials /,
      ),
    });
    const changed = await push(SETTINGS, { credentials: door('ann:other') });
    expect(await opened(changed.record.wire)).toEqual(['door ann:other']);
  });

  it('go back as they were, credentials too, under a new version', async () => {
    await push(SETTINGS, { credentials: door('ann:geheim') });
    await push('cameras: []', {});
    const { record } = await rollBackConfiguration({ site, gateway: 'gate', version: 1, author: 'bob' });
    expect(record.version).toBe(3);
    expect(decodeConfiguration(record.wire).configuration.settings).toBe(SETTINGS);
    expect(await opened(record.wire)).toEqual(['door ann:geheim']);
    const missing = rollBackConfiguration({ site, gateway: 'gate', version: 9, author: 'bob' });
    await expect(missing).rejects.toMatchObject({ code: 'CONFIGURATION_NOT_FOUND' });
  });

  it('tell the second of two operators, and lose nothing of the first', async () => {
    await push('cameras: []', { expectedVersion: 0 });
    const both = await Promise.allSettled([
      push('healthSeconds: 5', { expectedVersion: 1, author: 'ann' }),
      push('healthSeconds: 6', { expectedVersion: 1, author: 'bob' }),
    ]);
    const refused = both.filter(({ status }) => status === 'rejected');
    expect(refused).toMatchObject([
      {
        reason: {
          code: 'CONFIGURATION_CONFLICT',
          message: expect.stringMatching(
            /are a change of version 1, but version 2 was pushed by (ann|bob) at /,
          ),
        },
      },
    ]);
    expect((await site.store.configurations.history('gate')).map(({ version }) => version)).toEqual([2, 1]);
  });

  it.each([
    [
      'a typo',
      'cameras:\n  - name: door\n    ulr: rtsp://a/b',
      'CONFIG_INVALID',
      'gate.yaml:3:5: cameras[0].ulr',
    ],
    ['a setting that stays on the gateway', 'site: other', 'CONFIG_INVALID', 'gate.yaml:1:1: site: unknown'],
    [
      'a password in an address',
      'cameras:\n  - name: door\n    url: rtsp://ann:geheim@a/b',
      'CONFIG_INVALID',
      'gate.yaml:3:10: cameras[0].url: expected an address without user and password',
    ],
    [
      'an impossible mask',
      'cameras:\n  - { name: door, url: "rtsp://a/b", masks: [[[0, 0], [1.5, 0], [1, 1]]] }',
      'CONFIG_INVALID',
      'cameras[0].masks[0][1][0]',
    ],
    [
      'a rate beyond any machine',
      'cameras:\n  - { name: door, url: "rtsp://a/b", rate: 61 }',
      'CONFIG_INVALID',
      'cameras[0].rate: expected at most 60',
    ],
    [
      'a mask that is no area',
      'cameras:\n  - { name: door, url: "rtsp://a/b", masks: [[[0, 0], [1, 1]]] }',
      'CONFIG_INVALID',
      'cameras[0].masks[0]',
    ],
    [
      'a camera of another gateway',
      'cameras:\n  - name: hall\n    url: rtsp://a/b',
      'CAMERA_TAKEN',
      'gate.yaml:2:11: cameras[0].name: camera hall belongs to gateway other',
    ],
    ['missing credentials', SETTINGS, 'CONFIGURATION_CREDENTIAL', 'gate.yaml:4:18: cameras[0].credentials'],
  ])('change nothing where there is %s', async (_, settings, code, message) => {
    await enrolTestGateway(site, 'other', '02');
    await site.store.cameras.claim('hall', 'other', 1);
    const error = await push(settings).catch((reason: unknown) => reason as Error & { code: string });
    expect(error).toMatchObject({ code, message: expect.stringContaining(message) });
    expect((error as Error).message).not.toContain('geheim');
    expect(await site.store.configurations.history('gate')).toEqual([]);
  });

  it.each(['ann', 'two words:x y\nz', ':x', `ann:${'x'.repeat(500)}`])(
    'refuse credentials that no camera takes (%j)',
    async (text) => {
      const refused = push(SETTINGS, { credentials: door(text) });
      await expect(refused).rejects.toMatchObject({ code: 'CAMERA_ADDRESS' });
      await expect(refused).rejects.not.toThrow(text);
    },
  );

  it('refuse credentials for a gateway without a key, and for a camera that names none', async () => {
    await enrolTestGateway(site, 'old', '02');
    await expect(push(SETTINGS, { gateway: 'old', credentials: door('a:b') })).rejects.toMatchObject({
      code: 'SEALING_KEY_MISSING',
    });
    expect((await push('cameras: []', { gateway: 'old' })).record.version).toBe(1);
    await expect(push('cameras: []', { credentials: door('a:b') })).rejects.toMatchObject({
      code: 'CONFIGURATION_CREDENTIAL',
    });
  });

  it('warn of cameras that end, and of more pictures than the network answers', async () => {
    await site.store.cameras.claim('door', 'gate', 1);
    const at = {
      gateway: 'gate',
      session: 1,
      sequence: 1,
      digest: 'd',
      camera: 'door',
      model: 'm',
      version: 1,
    };
    const latencyMs = { prepare: 1, encrypt: 2, evaluate: 250, transport: 4, decrypt: 5, total: 262 };
    const result = {
      camera: 'door',
      model: 'm',
      modelVersion: 1,
      label: 'a',
      probability: 1,
      probabilities: { a: 1 },
      sequence: 1,
    };
    const answer = { ...result, frameTime: new Date(1).toISOString(), historical: false, latencyMs };
    await site.store.results.add({ ...at, frameMs: 1, storedMs: 1, withheld: null, results: [answer] });
    const { warnings } = await push('cameras: [{ name: hall, url: "rtsp://a/b", rate: 5 }]');
    expect(warnings).toEqual([
      'camera door, which gate has now, is not in these settings: it ends',
      'the cameras give up to 5 pictures a second, and the network on gate answers about 4.0: the rest is left out',
    ]);
    expect((await push('cameras: [{ name: door, url: "rtsp://a/b", rate: 4 }]')).warnings).toEqual([]);
    // Another camera, whose network is faster.
    await site.store.cameras.claim('lot', 'gate', 1);
    const quick = { ...answer, camera: 'lot', latencyMs: { ...latencyMs, evaluate: 10 } };
    const next = { ...at, camera: 'lot', sequence: 2, digest: 'e' };
    await site.store.results.add({ ...next, frameMs: 1, storedMs: 1, withheld: null, results: [quick] });
    const both = (rate: number) =>
      push(
        `cameras: [{ name: door, url: "rtsp://a/b", rate: 2 }, { name: lot, url: "rtsp://a/c", rate: ${rate} }]`,
      );
    expect((await both(50)).warnings).toEqual([]);
    expect((await both(58)).warnings).toEqual([expect.stringMatching(/up to 60 .* answers about 56/)]);
  });

  it('take credentials from files beside them that nobody else can read', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'blindsight-settings-'));
    try {
      const read = () => readCredentials(SETTINGS, 'gate.yaml', folder);
      expect(await read()).toEqual(new Map());
      writeFileSync(join(folder, 'door.credentials'), 'ann:geheim\n', { mode: 0o644 });
      await expect(read()).rejects.toMatchObject({ code: 'SECRET_EXPOSED' });
      rmSync(join(folder, 'door.credentials'));
      writeFileSync(join(folder, 'door.credentials'), 'ann:geheim\n', { mode: 0o600 });
      expect(await read()).toEqual(door('ann:geheim'));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
