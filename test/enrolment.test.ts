import { createHash, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { enrolByInvitation, takeResponse, writeRequest } from '#agent/enrolment/enrol.ts';
import { EnrolmentDraft } from '#agent/enrolment/enrolment-draft.ts';
import { makeCertificateRequest } from '#agent/enrolment/make-certificate-request.ts';
import { readIdentity } from '#agent/identity.ts';
import { createAuthority } from '#backend/enrolment/authority.ts';
import { acceptCarried, acceptInvited } from '#backend/operations/accept-enrolment.ts';
import { inviteGateway } from '#backend/operations/invite-gateway.ts';
import { removeGateway } from '#backend/operations/remove-gateway.ts';
import type { Site } from '#backend/site.ts';
import { loadConfig } from '#config/load.ts';
import { AgentConfig, type BackendConfig } from '#config/schema.ts';
import { ENROLMENT_REQUEST_MAX_BYTES, signEnrolmentRequest } from '#protocol/enrolment.ts';
import { encodeInvitation, invitationDigest, parseInvitation } from '#protocol/invitation.ts';
import { type Clock, systemClock } from '#runtime/clock.ts';
import { readLinkCredentials } from '#runtime/link-credentials.ts';
import { EnrolmentSite } from './testing/enrolment-site.ts';

const BROKER = EnrolmentSite.brokerUrl;

let here: EnrolmentSite;
let site: Site;
let config: BackendConfig;
let folder: string;

beforeAll(async () => {
  here = await EnrolmentSite.open();
  ({ site, config, folder } = here);
});
afterAll(() => here.close());

const newFolder = () => here.newFolder();
const invite: EnrolmentSite['invite'] = (gateway, more) => here.invite(gateway, more);

const at = (minutes: number): Clock => ({ ...systemClock, now: () => Date.now() + minutes * 60_000 });

/** A request as a gateway would make it, but for what a test does otherwise. */
async function request(
  gateway: string,
  secret: Uint8Array | null,
  more: { subject?: string; certificateRequest?: Uint8Array; sealingKey?: Uint8Array; key?: KeyObject } = {},
): Promise<Uint8Array> {
  const tls = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const signing = generateKeyPairSync('ed25519');
  const sealing = generateKeyPairSync('x25519');
  const rawOf = (key: KeyObject) =>
    new Uint8Array(Buffer.from(key.export({ format: 'jwk' }).x!, 'base64url'));
  return signEnrolmentRequest(
    {
      schema: 1,
      site: 'plaza',
      gateway,
      certificateRequest:
        more.certificateRequest ?? makeCertificateRequest(more.subject ?? gateway, tls.privateKey),
      signingKey: rawOf(signing.publicKey),
      sealingKey: more.sealingKey ?? rawOf(sealing.publicKey),
      secret,
    },
    more.key ?? signing.privateKey,
  );
}

const accept = (wire: Uint8Array, clock: Clock = systemClock) =>
  acceptInvited({ site, wire, brokerUrl: BROKER, clock });
const secretOf = (token: string) => parseInvitation(token).secret;

describe('an invitation', () => {
  it('makes a machine a gateway whose private keys have never left it, and is then used up', async () => {
    const token = await invite('gate-1');
    expect(token).toMatch(/^blindsight1_[\w-]+$/);
    const out = newFolder();
    const { configFile } = await enrolByInvitation(`  ${token.slice(0, 60)}\n${token.slice(60)}\n`, out);
    expect((await readdir(out)).sort()).toEqual([
      ...['agent.yaml', 'ca.pem', 'gateway.key', 'gateway.pem', 'owner-key.pub.pem', 'root-key.pub.pem'],
      ...['sealing.key', 'signing.key'],
    ]);
    for (const file of await readdir(out)) {
      const isSecret = file.endsWith('.key') || file === 'agent.yaml';
      expect([file, (await stat(join(out, file))).mode & 0o777]).toEqual([file, isSecret ? 0o600 : 0o644]);
    }
    const agent = await loadConfig(configFile, AgentConfig);
    expect(agent).toMatchObject({ site: 'plaza', gateway: 'gate-1', broker: { url: BROKER } });
    const owner = { name: 'gate-1', setting: 'gateway', site: 'plaza' };
    const { certificate } = await readLinkCredentials(agent.broker, owner);
    const identity = await readIdentity(agent.identity);
    const record = (await site.store.gateways.get('gate-1'))!;
    const { serialNumber, validToDate } = new X509Certificate(certificate);
    expect(record).toMatchObject({
      certificateSerial: serialNumber,
      certificateEndMs: validToDate.getTime(),
    });
    const key = identity.signingKey.export({ format: 'jwk' }).x;
    expect(Buffer.from(record.signingKey.split('\n')[1]!, 'base64').subarray(-32).toString('base64url')).toBe(
      key,
    );
    expect(record.sealingKey).toContain('PUBLIC KEY');
    expect(await site.store.certificates.get(serialNumber)).toMatchObject({
      kind: 'gateway',
      name: 'gate-1',
    });

    await expect(enrolByInvitation(token, newFolder())).rejects.toMatchObject({ code: 'INVITATION_USED' });
    expect((await site.store.gateways.get('gate-1'))!.certificateSerial).toBe(serialNumber);
    await expect(invite('gate-1')).rejects.toMatchObject({ code: 'GATEWAY_EXISTS' });
    // Neither secret nor invitation may be anywhere but in the hands of people.
    const secret = Buffer.from(secretOf(token));
    const store = await readFile(join(folder, 'site/blindsight.db'));
    const wal = await readFile(join(folder, 'site/blindsight.db-wal')).catch(() => Buffer.alloc(0));
    for (const bytes of [store, wal]) expect(bytes.includes(secret)).toBe(false);
    const said = here.lines.join('');
    expect(said).toContain('a gateway was enrolled');
    for (const text of [
      token,
      Buffer.from(secret).toString('hex'),
      Buffer.from(secret).toString('base64url'),
    ])
      expect(said).not.toContain(text.slice(0, 40));
  });

  it('is answered the same again where the answer was lost, and to nobody else', async () => {
    const token = await invite('gate-lost');
    const wire = await request('gate-lost', secretOf(token));
    const first = await accept(wire);
    expect(await accept(wire)).toEqual(first);
    await expect(accept(await request('gate-lost', secretOf(token)))).rejects.toMatchObject({
      code: 'INVITATION_USED',
    });
    expect(await site.store.certificates.issuedSince('gateway', 'gate-lost', 0)).toHaveLength(1);
  });

  it('enrols one of many machines that use it in the same moment', async () => {
    const token = await invite('gate-race');
    const start = Promise.withResolvers<void>();
    here.delay = start.promise;
    onTestFinished(() => {
      here.delay = Promise.resolve();
    });
    const outs = Array.from({ length: 6 }, newFolder);
    const racing = Promise.allSettled(outs.map((out) => enrolByInvitation(token, out)));
    setTimeout(start.resolve, 300);
    const ended = await racing;
    expect(ended.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const one of ended)
      if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'INVITATION_USED' });
    expect(await site.store.certificates.issuedSince('gateway', 'gate-race', 0)).toHaveLength(1);
  });

  it('is refused when it is too old, unknown, superseded, damaged, or of another site or gateway', async () => {
    const before = await site.store.gateways.list();
    const old = await invite('gate-late', { hours: 1 });
    const late = await request('gate-late', secretOf(old));
    await expect(accept(late, at(61))).rejects.toMatchObject({ code: 'INVITATION_EXPIRED' });
    const newer = await invite('gate-late');
    await expect(accept(late)).rejects.toMatchObject({ code: 'INVITATION_UNKNOWN' });
    await expect(accept(await request('gate-x', secretOf(newer)))).rejects.toMatchObject({
      code: 'INVITATION_SITE',
    });
    await expect(accept(await request('gate-late', new Uint8Array(32)))).rejects.toMatchObject({
      code: 'INVITATION_UNKNOWN',
    });
    const elsewhere = encodeInvitation({ ...parseInvitation(newer), site: 'harbor' });
    await expect(enrolByInvitation(elsewhere, newFolder())).rejects.toMatchObject({
      code: 'INVITATION_SITE',
    });
    for (let i = 0; i < newer.length; i++) {
      const damaged = newer.slice(0, i) + (newer[i] === 'x' ? 'y' : 'x') + newer.slice(i + 1);
      expect(() => parseInvitation(damaged)).toThrowError(
        expect.objectContaining({ code: 'INVITATION_INVALID' }),
      );
    }
    expect(() => parseInvitation(newer.slice(0, -1))).toThrowError(/damaged/);
    expect(() => parseInvitation('x'.repeat(1e6))).toThrowError(/not an invitation/);
    // None of that used it up.
    await expect(accept(await request('gate-late', secretOf(newer)))).resolves.toMatchObject({
      site: 'plaza',
    });
    expect((await site.store.gateways.list()).length).toBe(before.length + 1);
  });

  it('cannot be made for a name that is taken, was removed, or is none, nor for an address that nobody would believe', async () => {
    await accept(await request('gate-gone', secretOf(await invite('gate-gone'))));
    await removeGateway(site, 'gate-gone');
    await expect(invite('gate-gone')).rejects.toMatchObject({ code: 'GATEWAY_EXISTS' });
    await expect(invite('backend')).rejects.toMatchObject({ code: 'NAME_INVALID' });
    await expect(invite('nobody', { replaces: true })).rejects.toMatchObject({ code: 'GATEWAY_NOT_FOUND' });
    const options = { site, config, gateway: 'gate-new' };
    for (const address of ['evil.example.org', 'a b', 'https://localhost', ''])
      await expect(inviteGateway({ ...options, address })).rejects.toMatchObject({
        code: 'ENROLMENT_ADDRESS',
      });
    const { enrolment: _, ...off } = config;
    await expect(inviteGateway({ ...options, config: off })).rejects.toMatchObject({ code: 'ENROLMENT_OFF' });
    expect((await site.store.invitations.open(Date.now())).map(({ gateway }) => gateway)).not.toContain(
      'gate-new',
    );
  });
});

describe('a request', () => {
  it('is refused with a foreign name, a foreign or weak key, or a signature that is not its own', async () => {
    const token = await invite('gate-bad');
    const secret = secretOf(token);
    const rsa = await foreignRequest({ name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', ...RSA }, 'gate-bad');
    const p384 = await foreignRequest({ name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' }, 'gate-bad');
    const whole = makeCertificateRequest(
      'gate-bad',
      generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
    );
    const forged = Uint8Array.from(whole);
    forged[forged.length - 1]! ^= 1;
    const cases: [string, Parameters<typeof request>[2]][] = [
      ['ENROLMENT_NAME', { subject: 'gate-1' }],
      ['ENROLMENT_NAME', { subject: 'backend' }],
      ['ENROLMENT_KEY', { certificateRequest: rsa }],
      ['ENROLMENT_KEY', { certificateRequest: p384 }],
      ['ENROLMENT_KEY', { sealingKey: new Uint8Array(32) }],
      ['ENROLMENT_INVALID', { certificateRequest: forged }],
      ['ENROLMENT_INVALID', { certificateRequest: Uint8Array.of(0x30, 0x80) }],
      ['ENROLMENT_INVALID', { key: generateKeyPairSync('ed25519').privateKey }],
    ];
    for (const [code, more] of cases)
      await expect(
        accept(await request('gate-bad', secret, more)),
        JSON.stringify(code),
      ).rejects.toMatchObject({
        code,
      });
    expect(await site.store.gateways.get('gate-bad')).toBeNull();
    expect((await site.store.invitations.get(invitationDigest(secret)))!.usedMs).toBeNull();
  });

  it('is refused as damaged, and in no other way, whatever byte of it is changed', async () => {
    const wire = await request('gate-fuzz', secretOf(await invite('gate-fuzz')));
    for (let i = 0; i < wire.length; i += 3) {
      const damaged = Uint8Array.from(wire);
      damaged[i]! ^= 1 << (i % 8);
      await expect(accept(damaged)).rejects.toMatchObject({ code: 'ENROLMENT_INVALID' });
    }
    for (const length of [0, 1, 40, wire.length - 1])
      await expect(accept(wire.subarray(0, length))).rejects.toMatchObject({ code: 'ENROLMENT_INVALID' });
    await expect(accept(new Uint8Array(ENROLMENT_REQUEST_MAX_BYTES + 1))).rejects.toMatchObject({
      code: 'ENROLMENT_INVALID',
    });
  });

  it('that was carried as a file is answered by a file, for the name that the owner gave', async () => {
    const out = newFolder();
    const file = join(folder, 'gate-far.request');
    const digest = await writeRequest('gate-far', out, file);
    expect(digest).toMatch(/^([0-9a-f]{4} ){7}[0-9a-f]{4}$/);
    // Again, with the same keys: the file may have been lost.
    expect(await writeRequest('gate-far', out, file)).toBe(digest);
    const wire = new Uint8Array(await readFile(file));
    const options = { site, wire, brokerUrl: BROKER };
    await expect(acceptCarried({ ...options, name: 'gate-other' })).rejects.toMatchObject({
      code: 'ENROLMENT_NAME',
    });
    await expect(acceptCarried({ ...options, name: 'gate-1' })).rejects.toMatchObject({
      code: 'ENROLMENT_NAME',
    });
    const answer = await acceptCarried({ ...options, name: 'gate-far' });
    await expect(acceptCarried({ ...options, name: 'gate-far' })).rejects.toMatchObject({
      code: 'GATEWAY_EXISTS',
    });
    await expect(accept(wire)).rejects.toMatchObject({ code: 'INVITATION_UNKNOWN' });
    const response = join(folder, 'gate-far.response');
    const other = await accept(await request('gate-mix', secretOf(await invite('gate-mix'))));
    await writeFile(response, JSON.stringify(other));
    await expect(takeResponse(response, out)).rejects.toMatchObject({ code: 'ENROLMENT_PENDING' });
    await writeFile(response, JSON.stringify({ ...answer, certificate: other.certificate }));
    await expect(takeResponse(response, out)).rejects.toMatchObject({ code: 'ENROLMENT_PENDING' });
    await writeFile(response, JSON.stringify({ ...answer, ca: (await createAuthority()).certificate }));
    await expect(takeResponse(response, out)).rejects.toMatchObject({ code: 'ENROLMENT_INVALID' });
    await writeFile(response, '{"schema":1');
    await expect(takeResponse(response, out)).rejects.toMatchObject({ code: 'ENROLMENT_INVALID' });
    await writeFile(response, JSON.stringify(answer));
    await expect(takeResponse(response, out, at(-3 * 365 * 1440))).rejects.toMatchObject({
      code: 'ENROLMENT_CLOCK',
      message: expect.stringMatching(/not valid before .* the clock of this machine says .* set the clock/),
    });
    const { configFile } = await takeResponse(response, out);
    expect((await loadConfig(configFile, AgentConfig)).gateway).toBe('gate-far');
    await expect(takeResponse(response, newFolder())).rejects.toMatchObject({ code: 'ENROLMENT_PENDING' });
    await expect(takeResponse(response, out)).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
  });
});

it('a draft that another invitation has left is given up, and one that was cut short is begun anew', async () => {
  const out = newFolder();
  const applicant = { site: 'plaza', gateway: 'gate-d', secret: new Uint8Array(32).fill(1) };
  const first = await EnrolmentDraft.begin(out, applicant);
  expect(Buffer.from((await EnrolmentDraft.begin(out, applicant)).wire)).toEqual(Buffer.from(first.wire));
  const second = await EnrolmentDraft.begin(out, { ...applicant, secret: new Uint8Array(32).fill(2) });
  expect(sha256(second.wire)).not.toBe(sha256(first.wire));
  const hidden = join(folder, `.${out.split('/').at(-1)}.enrolling`);
  await rm(join(hidden, 'request.cbor'));
  await expect(EnrolmentDraft.resume(out)).rejects.toMatchObject({ code: 'ENROLMENT_PENDING' });
  await EnrolmentDraft.begin(out, applicant);
  expect((await readdir(hidden)).sort()).toEqual([
    'gateway.key',
    'request.cbor',
    'sealing.key',
    'signing.key',
  ]);
});

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const RSA = { modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1) };

async function foreignRequest(
  algorithm: RsaHashedKeyGenParams | (EcKeyGenParams & EcdsaParams),
  name: string,
) {
  const { Pkcs10CertificateRequestGenerator } = await import('@peculiar/x509');
  const keys = (await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as CryptoKeyPair;
  const made = await Pkcs10CertificateRequestGenerator.create({
    name: `CN=${name}`,
    keys,
    signingAlgorithm: algorithm,
  });
  return new Uint8Array(made.rawData);
}
