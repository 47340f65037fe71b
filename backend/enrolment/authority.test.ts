import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { beforeAll, describe, expect, it } from 'vitest';
import { Authority, createAuthority, type Issued } from './authority.ts';

let authority: Authority;
let broker: Issued;
beforeAll(async () => {
  authority = await createAuthority();
  broker = await authority.issue({
    kind: 'broker',
    commonName: 'broker',
    subjectAltNames: ['broker.example.org', '10.0.0.5'],
    days: 30,
  });
});

/** The common name that a server sees in a real handshake, or why it failed. */
async function handshake(
  trusted: Authority,
  client: Issued | null,
  servername = 'localhost',
): Promise<string> {
  const server = createServer({
    ca: authority.certificate,
    cert: broker.certificate,
    key: broker.key,
    requestCert: true,
    rejectUnauthorized: true,
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    return await new Promise<string>((resolve) => {
      server.on('secureConnection', (socket: TLSSocket) =>
        resolve(String(socket.getPeerCertificate().subject.CN)),
      );
      server.on('tlsClientError', (error) => resolve(`server: ${(error as NodeJS.ErrnoException).code}`));
      const identity = client ? { cert: client.certificate, key: client.key } : {};
      const socket = connect({ port, host: '127.0.0.1', servername, ca: trusted.certificate, ...identity });
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(`client: ${error.code}`));
    });
  } finally {
    server.close();
  }
}

describe('authority', () => {
  it('is a certificate authority that signs leaves only, on P-256', () => {
    const certificate = new X509Certificate(authority.certificate);
    expect(certificate.ca).toBe(true);
    expect(certificate.checkIssued(certificate)).toBe(true);
    expect(certificate.publicKey.asymmetricKeyDetails).toMatchObject({ namedCurve: 'prime256v1' });
  });

  it('issues what it can be asked for, verifiable with its public key', async () => {
    const issued = await authority.issue({ kind: 'gateway', commonName: 'gate-1', days: 100 });
    const leaf = new X509Certificate(issued.certificate);
    expect(leaf.subject).toBe('CN=gate-1');
    expect(leaf.ca).toBe(false);
    expect(leaf.verify(new X509Certificate(authority.certificate).publicKey)).toBe(true);
    expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
    const days = (leaf.validToDate.getTime() - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(99.9);
    expect(days).toBeLessThan(100.1);
    expect(leaf.validFromDate.getTime()).toBeLessThan(Date.now() - 3_600_000);
    expect(new X509Certificate(broker.certificate).subjectAltName).toBe(
      'DNS:localhost, IP Address:127.0.0.1, DNS:broker.example.org, IP Address:10.0.0.5',
    );
  });

  it('never gives a serial number twice', async () => {
    const issue = () => authority.issue({ kind: 'backend', commonName: 'backend', days: 1 });
    const serials = await Promise.all(
      Array.from({ length: 8 }, async () => new X509Certificate((await issue()).certificate).serialNumber),
    );
    expect(new Set(serials).size).toBe(8);
    for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9A-F]{31}$/);
  });

  it('goes on after it was stored and read again', async () => {
    const again = new Authority(authority.certificate, authority.key);
    const gateway = await again.issue({ kind: 'gateway', commonName: 'gate-2', days: 1 });
    expect(await handshake(authority, gateway)).toBe('gate-2');
  });

  it('renews a certificate for the key pair that it has, and only its own', async () => {
    const request = { kind: 'broker', commonName: 'broker', subjectAltNames: ['fd00::7'], days: 1 } as const;
    const renewed = await authority.renew({ ...request, certificate: broker.certificate });
    const leaf = new X509Certificate(renewed);
    expect(leaf.checkPrivateKey(createPrivateKey(broker.key))).toBe(true);
    expect(leaf.verify(new X509Certificate(authority.certificate).publicKey)).toBe(true);
    expect(leaf.checkIP('fd00:0::7')).toBe('fd00:0::7');
    expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    const foreign = await (await createAuthority()).issue({ kind: 'broker', commonName: 'broker', days: 1 });
    await expect(authority.renew({ ...request, certificate: foreign.certificate })).rejects.toMatchObject({
      code: 'CERTIFICATE_INVALID',
    });
  });

  it('lets both sides know one another in a TLS handshake, and nobody else', async () => {
    const gateway = await authority.issue({ kind: 'gateway', commonName: 'gate-1', days: 1 });
    expect(await handshake(authority, gateway)).toBe('gate-1');
    expect(await handshake(authority, gateway, 'broker.example.org')).toBe('gate-1');
    expect(await handshake(authority, gateway, 'elsewhere.example.org')).toBe(
      'client: ERR_TLS_CERT_ALTNAME_INVALID',
    );
    expect(await handshake(authority, null)).toMatch(
      /PEER_DID_NOT_RETURN_A_CERTIFICATE|CERTIFICATE_REQUIRED/,
    );
    const foreign = await createAuthority();
    const stranger = await foreign.issue({ kind: 'gateway', commonName: 'gate-1', days: 1 });
    expect(await handshake(authority, stranger)).toMatch(/^(server|client): /);
    expect(await handshake(foreign, gateway)).toMatch(/^client: /);
    expect(await handshake(authority, broker)).toMatch(/^(server|client): /); // a server's certificate is not valid for a client
  });

  it.each([
    [{ kind: 'gateway', commonName: 'backend', days: 1 }, 'backend'],
    [{ kind: 'gateway', commonName: 'Gate 1', days: 1 }, 'Gate 1'],
    [{ kind: 'backend', commonName: 'gate-1', days: 1 }, 'gate-1'],
    [{ kind: 'gateway', commonName: 'gate-1', days: 0 }, '0 days'],
    [{ kind: 'gateway', commonName: 'gate-1', days: 1, subjectAltNames: ['x'] }, 'no host names'],
    [{ kind: 'broker', commonName: 'broker', days: 1, subjectAltNames: ['a b'] }, 'a b'],
  ] as const)('refuses %j', async (request, said) => {
    const attempt = authority.issue(request);
    await expect(attempt).rejects.toMatchObject({
      code: 'CERTIFICATE_INVALID',
      message: expect.stringContaining(said),
    });
  });

  it('says what of it is damaged', async () => {
    const request = { kind: 'gateway', commonName: 'gate-1', days: 1 } as const;
    await expect(new Authority('x', authority.key).issue(request)).rejects.toThrow(
      'certificate of the authority',
    );
    await expect(new Authority(authority.certificate, 'x').issue(request)).rejects.toThrow(
      'key of the authority',
    );
  });
});
