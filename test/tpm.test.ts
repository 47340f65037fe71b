import { execFileSync } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Authority, createAuthority } from '#backend/enrolment/authority.ts';
import { gatewayTopics } from '#protocol/topics.ts';
import { systemClock } from '#runtime/clock.ts';
import { connectLink, type Link } from '#runtime/link.ts';
import { readLinkCredentials } from '#runtime/link-credentials.ts';
import { createLogger } from '#runtime/log.ts';
import { RetryLadder } from '#runtime/retry.ts';
import { isTpmKey, makeTpmKey, tpmCertificateRequest, tpmPublicKey } from '#runtime/tpm/device-key.ts';
import { embeddedBroker, mosquitto, type RunningBroker } from './contract-brokers.ts';
import { TestTpm } from './testing/test-tpm.ts';

const WAIT = { timeout: 20_000 };
const folder = mkdtempSync(join(tmpdir(), 'blindsight-tpm-'));
const inFolder = (name: string) => join(folder, name);

let tpm: TestTpm;
let key: string;
let authority: Authority;

beforeAll(async () => {
  mkdirSync(inFolder('first'));
  tpm = await TestTpm.start(inFolder('first'));
  authority = await createAuthority('Blindsight north');
  key = await makeTpmKey(tpm.address);
  const server = await authority.issue({ kind: 'broker', commonName: 'broker', days: 1 });
  const list = await authority.revocationList([], Date.now());
  for (const [name, text] of Object.entries({
    'ca.pem': authority.certificate,
    'ca.key': authority.key,
    'broker.pem': server.certificate,
    'broker.key': server.key,
    'gateway.key': key,
    'revoked.crl': list,
  })) {
    writeFileSync(inFolder(name), text, { mode: 0o600 });
  }
  writeFileSync(
    inFolder('gateway.csr'),
    await tpmCertificateRequest(inFolder('gateway.key'), 'gate-1', tpm.address),
  );
  const sign = `x509 -req -in gateway.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 1 -out gateway.pem`;
  execFileSync('openssl', sign.split(' '), { cwd: folder, stdio: 'ignore' });
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

async function open(url: string, address = tpm.address): Promise<Link> {
  const paths = { ca: 'ca.pem', certificate: 'gateway.pem', key: 'gateway.key' };
  const files = Object.fromEntries(Object.entries(paths).map(([name, file]) => [name, inFolder(file)]));
  const credentials = await readLinkCredentials(
    { ...(files as typeof paths), tpm: address },
    { name: 'gate-1', setting: 'gateway', site: 'north' },
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
  it('is no key outside of it, and proves itself in a certificate request', async () => {
    expect(isTpmKey(key)).toBe(true);
    expect(() => createPrivateKey(key)).toThrow();
    const certificate = new X509Certificate(readFileSync(inFolder('gateway.pem')));
    expect(certificate.subject).toBe('CN=gate-1');
    const own = await tpmPublicKey(inFolder('gateway.key'), tpm.address);
    expect(certificate.publicKey.equals(own)).toBe(true);
    expect(own.asymmetricKeyDetails).toMatchObject({ namedCurve: 'prime256v1' });
  });

  it('says where there is no TPM, and what to do', async () => {
    await expect(makeTpmKey('device:/dev/tpm-that-is-not-there')).rejects.toMatchObject({
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
    broker = await start({ folder: home, site: 'north', maxMessageKilobytes: 256 });
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
    const topics = gatewayTopics('north', 'gate-1');
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
    const free = createServer().listen(0, '127.0.0.1');
    await vi.waitFor(() => expect(free.address()).not.toBeNull());
    const { port } = free.address() as { port: number };
    await new Promise((resolve) => free.close(resolve));
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
    await expect(tpmPublicKey(inFolder('gateway.key'), tpm.address)).rejects.toMatchObject({
      code: 'TPM_UNAVAILABLE',
    });
    expect(await cause('mqtts://localhost:1')).toMatch(/^(TPM_UNAVAILABLE|LINK_DOWN) /);
  });
});
