import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { enrolByInvitation, writeRequest } from '#agent/enrolment/enrol.ts';
import type { Authority } from '#backend/enrolment/authority.ts';
import { openAuthority } from '#backend/enrolment/open-authority.ts';
import { embeddedBroker, mosquitto, type RunningBroker } from '#broker/testing/contract-brokers.ts';
import { loadConfig } from '#config/load.ts';
import { AgentConfig } from '#config/schema.ts';
import { gatewayTopics } from '#protocol/topics.ts';
import { systemClock } from '#runtime/clock.ts';
import { connectLink, type Link } from '#runtime/link.ts';
import { readLinkCredentials } from '#runtime/link-credentials.ts';
import { createLogger } from '#runtime/log.ts';
import { freePort } from '#runtime/ports.ts';
import { RetryLadder } from '#runtime/retry.ts';
import { isTpmKey, tpmPublicKey } from '#runtime/tpm/device-key.ts';
import { EnrolmentSite } from './testing/enrolment-site.ts';
import { TestTpm } from './testing/test-tpm.ts';

const WAIT = { timeout: 120_000 };
const folder = mkdtempSync(join(tmpdir(), 'blindsight-tpm-'));
const inFolder = (name: string) => join(folder, name);

let tpm: TestTpm;
const keyFile = () => inFolder('gateway/gateway.key');
let authority: Authority;

beforeAll(async () => {
  mkdirSync(inFolder('first'));
  tpm = await TestTpm.start(inFolder('first'));
  const enrolling = await EnrolmentSite.open();
  await enrolByInvitation(await enrolling.invite('gate-1'), inFolder('gateway'), tpm.address);
  authority = await openAuthority(enrolling.site.store, enrolling.site.vault);
  await enrolling.close();
  const server = await authority.issue({ kind: 'broker', commonName: 'broker', days: 1 });
  for (const [name, text] of Object.entries({
    'ca.pem': authority.certificate,
    'broker.pem': server.certificate,
    'broker.key': server.key,
    'revoked.crl': await authority.revocationList([], Date.now()),
  })) {
    writeFileSync(inFolder(name), text, { mode: 0o600 });
  }
});
afterAll(async () => {
  await tpm.stop();
  rmSync(folder, { recursive: true });
});

/** Processes of `openssl s_client` that this one started. */
function tunnels(): string[] {
  const commands = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      } catch {
        return ''; // it ended meanwhile
      }
    });
  return commands.filter((command) => command.includes('s_client') && command.includes(folder));
}

async function open(url: string, address?: string): Promise<Link> {
  const { broker, site, gateway } = await loadConfig(inFolder('gateway/agent.yaml'), AgentConfig);
  const credentials = await readLinkCredentials(
    { ...broker, tpm: address ?? broker.tpm },
    { name: gateway, setting: 'gateway', site },
  );
  return connectLink({
    url,
    ...credentials,
    clientId: 'gate-1',
    clock: systemClock,
    log: createLogger({ name: 'gate-1', level: 'error', format: 'json' }),
    ladder: new RetryLadder([20]),
  });
}

/** The first reason that a link names. */
async function cause(url: string, address?: string): Promise<string> {
  const link = await open(url, address);
  try {
    return await new Promise((resolve) => link.onDown(({ code, message }) => resolve(`${code} ${message}`)));
  } finally {
    await link.close();
  }
}

describe('a key in a TPM', () => {
  it('is made by enrolment with --tpm, and is no key outside of it', async () => {
    const pem = readFileSync(keyFile());
    expect(isTpmKey(pem)).toBe(true);
    expect(() => createPrivateKey(pem)).toThrow();
    const certificate = new X509Certificate(readFileSync(inFolder('gateway/gateway.pem')));
    expect(certificate.subject).toBe('CN=gate-1');
    const own = await tpmPublicKey(keyFile(), tpm.address);
    expect(certificate.publicKey.equals(own)).toBe(true);
    expect(own.asymmetricKeyDetails).toMatchObject({ namedCurve: 'prime256v1' });
  });

  it('says where there is no TPM, and what to do', async () => {
    const absent = 'device:/dev/tpm-that-is-not-there';
    const out = inFolder('elsewhere');
    await expect(writeRequest('gate-2', out, inFolder('gate-2.request'), absent)).rejects.toMatchObject({
      code: 'TPM_UNAVAILABLE',
      message: expect.stringMatching(/no TPM 2.0 at device:\/dev\/tpm-that-is-not-there: .* firmware/),
    });
  });
});

describe.each([
  ['the embedded broker', embeddedBroker],
  ['mosquitto', mosquitto],
])('a link with a key in a TPM, to %s', (name, start) => {
  let broker: RunningBroker;
  let url: string;
  beforeAll(async () => {
    const home = inFolder(name.replaceAll(' ', '-'));
    mkdirSync(home);
    for (const file of ['ca.pem', 'broker.pem', 'broker.key', 'revoked.crl']) {
      writeFileSync(join(home, file), readFileSync(inFolder(file)), { mode: 0o600 });
    }
    broker = await start({ folder: home, site: 'plaza', maxMessageKilobytes: 256 });
    url = `mqtts://localhost:${broker.port}`;
  });
  afterAll(() => broker.stop());

  it('carries messages of any length, comes back after a cut, and leaves no process behind', async () => {
    const { certificate, key: backendKey } = await authority.issue({
      kind: 'backend',
      commonName: 'backend',
      days: 1,
    });
    const backend = connectLink({
      ...{ url, ca: authority.certificate, certificate, key: backendKey, clientId: 'backend' },
      ...{ clock: systemClock, log: createLogger({ name: 'backend', level: 'error', format: 'json' }) },
      ladder: new RetryLadder([20]),
    });
    const topics = gatewayTopics('plaza', 'gate-1');
    const heard: Uint8Array[] = [];
    backend.subscribe(topics.inference('door'), (_, payload) => heard.push(payload));
    const gateway = await open(url);
    const told: Uint8Array[] = [];
    gateway.subscribe(topics.bundleChunk, (_, payload) => told.push(payload));
    await vi.waitFor(() => expect([gateway.connected, backend.connected]).toEqual([true, true]), WAIT);
    // Lines that s_client would take as commands, if they were not ours.
    const message = Buffer.concat([Buffer.from('Q\nR\nK\n'), Buffer.alloc(200_000, 7)]);
    await gateway.publish(topics.inference('door'), message);
    await backend.publish(topics.bundleChunk, message);
    await vi.waitFor(() => expect([heard.length, told.length]).toEqual([1, 1]), WAIT);
    expect(Buffer.compare(heard[0]!, message) + Buffer.compare(told[0]!, message)).toBe(0);
    expect(tunnels()).toHaveLength(1);

    const back = new Promise<void>((resolve) => gateway.onDown(() => gateway.onUp(resolve)));
    await broker.restart();
    await back;
    await vi.waitFor(() => expect(backend.connected).toBe(true), WAIT);
    await gateway.publish(topics.inference('door'), message);
    await vi.waitFor(() => expect(heard).toHaveLength(2), WAIT);
    await Promise.all([gateway.close(), backend.close()]);
    await vi.waitFor(() => expect(tunnels()).toEqual([]), WAIT);
  });

  it('names what is wrong', async () => {
    expect(await cause(`mqtts://camera.invalid:${broker.port}`)).toMatch(/^LINK_DOWN .* cannot be resolved/);
    expect(await cause(url, 'device:/dev/tpm-that-is-not-there')).toMatch(
      /^TPM_UNAVAILABLE this machine has no/,
    );
    const port = await freePort(0);
    expect(await cause(`mqtts://localhost:${port}`)).toMatch(/^LINK_DOWN nothing listens at /);
    const relay = createServer((near) => near.pipe(connect(broker.port, '127.0.0.1')).pipe(near));
    await new Promise<void>((resolve) => relay.listen(0, '127.0.0.2', resolve));
    const elsewhere = `mqtts://127.0.0.2:${(relay.address() as { port: number }).port}`;
    expect(await cause(elsewhere)).toMatch(
      /^LINK_REFUSED the certificate of the broker at \S+ covers localhost/,
    );
    relay.close();
  });
});

describe('a copy of the disk', () => {
  it('does not connect from another machine', async () => {
    await tpm.stop();
    mkdirSync(inFolder('second'));
    tpm = await TestTpm.start(inFolder('second'));
    await expect(tpmPublicKey(keyFile(), tpm.address)).rejects.toMatchObject({
      code: 'TPM_UNAVAILABLE',
    });
    expect(await cause('mqtts://localhost:1')).toMatch(/^(TPM_UNAVAILABLE|LINK_DOWN) /);
  });
});
