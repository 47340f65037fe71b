import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { checkConfiguration } from '#agent/configuration/check-configuration.ts';
import { enrolByInvitation } from '#agent/enrolment/enrol.ts';
import { pushConfiguration, rollBackConfiguration } from '#backend/configuration/push-configuration.ts';
import type { AnswerBounds } from '#backend/decryption/answer-bounds.ts';
import { checkEnvelope } from '#backend/decryption/check-envelope.ts';
import { FloodWatch } from '#backend/decryption/flood-watch.ts';
import { ReadEnvelopes } from '#backend/decryption/read-envelopes.ts';
import { SignatureChecks } from '#backend/decryption/signature-checks.ts';
import { quarantineGateway } from '#backend/operations/gateways.ts';
import { decodeConfiguration } from '#protocol/configuration.ts';
import { encodeEnvelope } from '#protocol/envelope.ts';
import { systemClock } from '#runtime/clock.ts';
import { EnrolmentSite } from './testing/enrolment-site.ts';

const SETTINGS = `# the yard
cameras:
  - name: door # at the gate
    url: rtsp://10.0.0.21/1
    credentials: door.credentials
  - name: hall
    url: rtsp://10.0.0.22/1
`;

let here: EnrolmentSite;
beforeAll(async () => {
  here = await EnrolmentSite.open();
});
afterAll(() => here.close());

it('gives the name, the history and the settings of a gateway to another box, and nothing to the one before', async () => {
  const { site } = here;
  const [first, second] = [here.newFolder(), here.newFolder()];
  await enrolByInvitation(await here.invite('gate-1'), first);
  const before = (await site.store.gateways.get('gate-1'))!;
  const push = (settings: string, credentials: [string, string][]) =>
    pushConfiguration({
      ...{ site, gateway: 'gate-1', settings, origin: 'gate-1.yaml', author: 'anna' },
      credentials: new Map(credentials),
    });
  await push(SETTINGS, [['door', 'viewer:secret']]);
  await site.store.configurations.setStatus('gate-1', 1, 'applied', null, 5);
  await site.store.configurations.setRunning('gate-1', { running: 1, drift: false });
  await site.store.gateways.begin('gate-1', 77, 'then');
  await site.store.gateways.advance('gate-1', { session: 77, sequence: 4 });
  await site.store.cameras.claim('door', 'gate-1', 1);
  await quarantineGateway(site, 'gate-1', 'box found open');

  const token = await here.invite('gate-1', { replaces: true });
  // Nothing has changed before it is used.
  expect((await site.store.gateways.get('gate-1'))!.signingKey).toBe(before.signingKey);
  await enrolByInvitation(token, second);
  const after = (await site.store.gateways.get('gate-1'))!;
  expect(after.signingKey).not.toBe(before.signingKey);
  expect(after).toMatchObject({
    ...{
      formerSigningKey: before.signingKey,
      enrolledMs: before.enrolledMs,
      last: { session: 77, sequence: 4 },
    },
    quarantine: { reason: 'box found open' },
  });
  // Sessions of the new box begin above those of the one before.
  expect(await site.store.gateways.begin('gate-1', 3, 'now')).toBe(78);
  expect(await site.store.cameras.owner('door')).toBe('gate-1');
  expect((await site.store.certificates.get(before.certificateSerial))!.revokedMs).not.toBeNull();
  expect((await site.store.certificates.get(after.certificateSerial))!.revokedMs).toBeNull();
  const revoked = await readFile(join(here.folder, 'site/revoked-gateways'), 'utf8');
  expect(revoked).toBe(`serial:${before.certificateSerial}\n`);

  const carried = (await site.store.configurations.newest('gate-1'))!;
  const configuration = decodeConfiguration(carried.wire).configuration;
  expect(carried).toMatchObject({ version: 2, status: 'pending', author: 'anna' });
  expect(configuration.settings).toBe(SETTINGS.replace('    credentials: door.credentials\n', ''));
  expect(configuration.credentials).toEqual([]);
  // The new box takes it.
  const sealingKey = createPrivateKey(await readFile(join(second, 'sealing.key')));
  const reader = { site: 'plaza', gateway: 'gate-1', ownerKeys: () => [], sealingKey };
  await checkConfiguration(configuration, reader as unknown as Parameters<typeof checkConfiguration>[1]);
  const journal = await site.store.journal.latest(10);
  expect(journal.find(({ code }) => code === 'GATEWAY_PASSWORDS_MISSING')?.message).toMatch(
    /push them again: door$/,
  );
  expect(journal.map(({ code }) => code)).toContain('GATEWAY_REPLACED');

  // What was sealed to the box before is not sent to this one, neither by a push nor by a rollback.
  await expect(push(SETTINGS, [])).rejects.toMatchObject({ code: 'CONFIGURATION_CREDENTIAL' });
  await expect(
    rollBackConfiguration({ site, gateway: 'gate-1', author: 'anna', version: 1 }),
  ).rejects.toMatchObject({ code: 'CONFIGURATION_CREDENTIAL' });
  expect((await site.store.configurations.newest('gate-1'))!.version).toBe(2);
  expect((await push(SETTINGS, [['door', 'viewer:secret']])).record.version).toBe(3);

  await expect(enrolByInvitation(token, here.newFolder())).rejects.toMatchObject({ code: 'INVITATION_USED' });
});

it('refuses what the box before has signed, by that name, and does not take it for a flood of the new one', async () => {
  const { site } = here;
  const [first, second] = [here.newFolder(), here.newFolder()];
  await enrolByInvitation(await here.invite('gate-2'), first);
  await enrolByInvitation(await here.invite('gate-2', { replaces: true }), second);
  const keyOf = async (folder: string) => createPrivateKey(await readFile(join(folder, 'signing.key')));
  const check = async (key: KeyObject) => {
    const envelope = encodeEnvelope(
      {
        schema: 1,
        site: 'plaza',
        gateway: 'gate-2',
        camera: 'lane',
        session: 1,
        sequence: 0,
        frameTimeMs: 1,
        readyTimeMs: 1,
        bundle: 'a'.repeat(64),
        interpreter: 'engine',
        historical: false,
        timings: { prepareMs: 1, encryptMs: 1, evaluateMs: 1 },
        ciphertext: Uint8Array.of(1),
      },
      key,
    );
    const item = {
      ...{ id: 1, gateway: 'gate-2', digest: 'd', camera: 'lane', receivedMs: Date.now(), attempts: 0 },
      envelope,
    };
    // Who it is comes before any limit.
    const bounds = null as unknown as AnswerBounds;
    return checkEnvelope(
      {
        store: site.store,
        site: 'plaza',
        bounds,
        signatures: new SignatureChecks(),
        read: new ReadEnvelopes(),
        formerReleaseMs: 0,
        acceptsReference: true,
      },
      item,
    );
  };
  expect(await check(await keyOf(first))).toMatchObject({
    outcome: 'refuse',
    reason: 'replaced',
    settles: null,
  });
  expect(await check(generateKeyPairSync('ed25519').privateKey)).toMatchObject({ reason: 'signature' });
  const floods = new FloodWatch(systemClock);
  expect(Array.from({ length: 5_000 }, () => floods.add('gate-2', 'replaced')).includes(true)).toBe(false);
});
