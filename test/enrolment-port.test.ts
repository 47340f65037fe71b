import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { type AddressInfo, createServer as createTcpServer, connect as tcpConnect } from 'node:net';
import { connect, createServer as createTlsServer, type Server, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { enrolByInvitation } from '#agent/enrolment/enrol.ts';
import { createAuthority } from '#backend/enrolment/authority.ts';
import { openAuthority } from '#backend/enrolment/open-authority.ts';
import type { Site } from '#backend/site.ts';
import type { BackendConfig } from '#config/schema.ts';
import { encodeInvitation, parseInvitation } from '#protocol/invitation.ts';
import { EnrolmentSite } from './testing/enrolment-site.ts';

const WAIT = { timeout: 120_000 };

let here: EnrolmentSite;
let site: Site;
let config: BackendConfig;

beforeAll(async () => {
  here = await EnrolmentSite.open();
  ({ site, config } = here);
});
afterAll(() => here.close());

const newFolder = () => here.newFolder();
const invite: EnrolmentSite['invite'] = (gateway, more) => here.invite(gateway, more);

describe('a machine between gateway and site', () => {
  /** A TLS server that notes everything it is told. */
  async function listen(context: { key: string; cert: string }): Promise<{ port: number; heard: string[] }> {
    const heard: string[] = [];
    const server: Server = createTlsServer(context, (socket: TLSSocket) => {
      socket.on('data', (data) => heard.push(data.toString('latin1')));
      socket.on('error', () => {});
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    return { port: (server.address() as AddressInfo).port, heard };
  }

  const sent = (token: string, there: number) =>
    encodeInvitation({ ...parseInvitation(token), addresses: [{ host: 'localhost', port: there }] });

  it('is told nothing: with another authority, with the chain of the site before its own key, or as the broker of the site', async () => {
    const token = await invite('gate-mitm');
    const authority = await openAuthority(site.store, site.vault);
    const foreign = await createAuthority('Blindsight plaza');
    const server = { kind: 'enrolment', commonName: 'enrolment', days: 1 } as const;
    const evil = await foreign.issue(server);
    const broker = {
      key: await readFile(config.broker.certificate.replace('backend.pem', 'broker.key'), 'utf8'),
      cert: await readFile(config.broker.certificate.replace('backend.pem', 'broker.pem'), 'utf8'),
    };
    const gateway = await authority.issue({ kind: 'gateway', commonName: 'gate-evil', days: 1 });
    const contexts = [
      { key: evil.key, cert: evil.certificate + foreign.certificate },
      { key: evil.key, cert: evil.certificate + foreign.certificate + authority.certificate },
      { key: evil.key, cert: evil.certificate + authority.certificate },
      { ...broker, cert: broker.cert + authority.certificate },
      { key: gateway.key, cert: gateway.certificate + authority.certificate },
    ];
    for (const context of contexts) {
      const { port: there, heard } = await listen(context);
      const out = newFolder();
      await expect(enrolByInvitation(sent(token, there), out)).rejects.toMatchObject({
        code: 'ENROLMENT_UNTRUSTED',
        message: expect.stringContaining('nothing was sent to it'),
      });
      expect(heard).toEqual([]);
    }
    // The invitation is as good as before.
    await enrolByInvitation(token, newFolder());
  });

  it('is not believed under another name of its own, and one that is not there is named', async () => {
    const token = parseInvitation(await invite('gate-name'));
    const authority = await openAuthority(site.store, site.vault);
    const issued = await authority.issue({ kind: 'enrolment', commonName: 'enrolment', days: 1 });
    const { port: there } = await listen({
      key: issued.key,
      cert: issued.certificate + authority.certificate,
    });
    const ask = (host: string, number: number) =>
      enrolByInvitation(encodeInvitation({ ...token, addresses: [{ host, port: number }] }), newFolder());
    await expect(ask('127.0.0.2', there)).rejects.toMatchObject({
      // Nothing listens there: it was bound to 127.0.0.1.
      code: 'ENROLMENT_UNREACHABLE',
    });
    const closed = createTcpServer();
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
    const { port: free } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    await expect(ask('localhost', free)).rejects.toMatchObject({
      code: 'ENROLMENT_UNREACHABLE',
      message: expect.stringContaining(`localhost:${free}`),
    });
    // One address that does not answer is no harm where another does.
    const both = {
      ...token,
      addresses: [
        { host: 'localhost', port: free },
        { host: 'localhost', port: here.port },
      ],
    };
    await enrolByInvitation(encodeInvitation(both), newFolder());
  });
});

describe('the enrolment port', () => {
  const authorityPem = async () => (await openAuthority(site.store, site.vault)).certificate;

  async function speak(bytes: string | Buffer, wait: 'response' | 'close' = 'close'): Promise<string> {
    const socket = connect({ host: 'localhost', port: here.port, ca: await authorityPem() });
    let said = '';
    socket.on('data', (data) => {
      said += data.toString();
    });
    socket.on('error', () => {});
    socket.write(bytes);
    await new Promise((resolve) => socket.once(wait === 'close' ? 'close' : 'data', resolve));
    socket.destroy();
    return said;
  }

  it('answers nothing but requests of a gateway, and reads no more than one has', async () => {
    expect(await speak('GET / HTTP/1.1\r\nhost: x\r\n\r\n')).toMatch(
      /^HTTP\/1.1 400 [\s\S]*ENROLMENT_INVALID/,
    );
    expect(await speak('\x10\x20MQTT')).not.toMatch(/200 OK/);
    const huge = `POST /enrol HTTP/1.1\r\nhost: x\r\ncontent-length: 100000000\r\n\r\n`;
    expect(await speak(huge)).toMatch(/^HTTP\/1.1 400 [\s\S]*more than 4096 bytes/);
    const chunked = 'POST /enrol HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n';
    const chunk = `2000\r\n${'a'.repeat(0x2000)}\r\n`;
    expect(await speak(chunked + chunk)).not.toMatch(/200 OK/);
    const header = `POST /enrol HTTP/1.1\r\nhost: x\r\nlong: ${'a'.repeat(20_000)}\r\n\r\n`;
    expect(await speak(header)).not.toMatch(/200 OK/);
  });

  it('closes what says nothing, gives one address eight connections, and takes an honest one meanwhile', async () => {
    const sockets = Array.from({ length: 20 }, () => tcpConnect(here.port, '127.0.0.1'));
    const closed = new Set<number>();
    for (const [i, socket] of sockets.entries()) {
      socket.on('error', () => {});
      socket.once('close', () => closed.add(i));
    }
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
    });
    await vi.waitFor(() => expect(closed.size).toBe(12), WAIT);
    // From addresses enough to take all connections.
    for (let i = 0; i < 80; i++) {
      const far = tcpConnect({ host: '127.0.0.1', port: here.port, localAddress: `127.0.2.${1 + (i % 20)}` });
      sockets.push(far.on('error', () => {}));
      await once(far, 'connect');
    }
    // From another address, and from one that has as many as it may: the oldest gives way.
    for (const localAddress of ['127.0.0.3', '127.0.0.1', '127.0.2.1']) {
      const socket = tcpConnect({ host: '127.0.0.1', port: here.port, localAddress });
      const honest = connect({ socket, host: 'localhost', ca: await authorityPem() });
      await new Promise<void>((resolve, reject) =>
        honest.once('secureConnect', resolve).once('error', reject),
      );
      honest.destroy();
    }
    // Handshakes that never come end by themselves.
    await vi.waitFor(() => expect(closed.size).toBe(20), WAIT);
  });

  it('refuses whoever asks too often', async () => {
    const post = 'POST /enrol HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\na';
    const answers: string[] = [];
    for (let i = 0; i < 60 && !answers.some((one) => one.includes('ENROLMENT_BUSY')); i++)
      answers.push(await speak(post));
    expect(answers.at(-1)).toMatch(/^HTTP\/1.1 429/);
  });
});
