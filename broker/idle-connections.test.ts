import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type Authority, createAuthority, type Issued } from '#backend/enrolment/authority.ts';
import { BrokerConfig } from '#config/schema.ts';
import { type Broker, startBroker } from './main.ts';
import { logLines } from './testing/log-lines.ts';
import { connectPacket } from './testing/packets.ts';

const WAIT = { timeout: 60_000 };

let folder: string;
let authority: Authority;
let gateway: Issued;
let broker: Broker;
const open: Socket[] = [];
const { lines, log } = logLines();

async function start(connections: Partial<BrokerConfig['connections']> = {}): Promise<void> {
  const config = BrokerConfig.parse({
    site: 'north',
    port: 0,
    data: join(folder, 'data'),
    ca: join(folder, 'ca.pem'),
    certificate: join(folder, 'broker.pem'),
    key: join(folder, 'broker.key'),
    revoked: join(folder, 'revoked'),
    connections,
  });
  broker = await startBroker({ config, log });
}

beforeEach(async () => {
  lines.length = 0;
  folder = await mkdtemp(join(tmpdir(), 'blindsight-idle-'));
  authority = await createAuthority();
  const server = await authority.issue({ kind: 'broker', commonName: 'broker', days: 1 });
  gateway = await authority.issue({ kind: 'gateway', commonName: 'gate-1', days: 1 });
  await writeFile(join(folder, 'ca.pem'), authority.certificate);
  await writeFile(join(folder, 'broker.pem'), server.certificate);
  await writeFile(join(folder, 'broker.key'), server.key, { mode: 0o600 });
});
afterEach(async () => {
  for (const socket of open.splice(0)) socket.destroy();
  await broker.close();
  await rm(folder, { recursive: true });
});

/** Connects and says nothing. */
function idle(count: number, from: string): Promise<unknown> {
  const opened = Array.from({ length: count }, () => {
    const socket = connect({ port: broker.port, host: '127.0.0.1', localAddress: from });
    socket.on('error', () => undefined);
    open.push(socket);
    return new Promise((resolve) => socket.once('connect', resolve));
  });
  return Promise.all(opened);
}

/** @returns the first bytes that the broker answers, or nothing where it closes first */
async function enter(clientId: string, from = '127.0.0.1'): Promise<{ socket: TLSSocket; said: Buffer }> {
  const below = connect({ port: broker.port, host: '127.0.0.1', localAddress: from });
  const { certificate: cert, key } = gateway;
  const socket = connectTls({ socket: below, host: '127.0.0.1', ca: authority.certificate, cert, key });
  open.push(socket);
  socket.on('error', () => undefined);
  socket.write(connectPacket(clientId));
  const said = await new Promise<Buffer>((resolve) => {
    socket.once('data', resolve);
    socket.once('close', () => resolve(Buffer.alloc(0)));
  });
  return { socket, said };
}

const ACCEPTED = Buffer.from([0x20, 2, 0, 0]);
const crowd = () => lines.filter((line) => line.includes('had to give way'));

it.each([
  ['the address of the gateway', ['127.0.0.1']],
  ['many addresses', Array.from({ length: 40 }, (_, i) => `127.0.1.${i + 1}`)],
])('lets a gateway in while 2000 connections from %s say nothing, and says so once', async (_, addresses) => {
  await start();
  for (let round = 0; round < 10; round++) {
    for (const from of addresses) await idle(200 / addresses.length, from);
  }
  expect((await enter('gate-1')).said).toEqual(ACCEPTED);
  await vi.waitFor(() => expect(broker.health().connected).toEqual(['gate-1']), WAIT);
  expect(broker.health().dropped).toBeGreaterThanOrEqual(2000 - 256);
  expect(crowd()).toHaveLength(1);
  expect(crowd()[0]).toMatch(
    /BROKER_ACCESS.*127\.0\.\d+\.\d+: the oldest of \d+ connections of it that showed no certificate/,
  );
});

it('ends a connection that says nothing, before and after TLS, in the time that is set', async () => {
  await start({ handshakeSeconds: 1 });
  await idle(3, '127.0.0.1');
  const { certificate: cert, key } = gateway;
  const silent = connectTls({ port: broker.port, host: '127.0.0.1', ca: authority.certificate, cert, key });
  silent.on('error', () => undefined);
  open.push(silent);
  const closed = open.map((socket) => new Promise((resolve) => socket.resume().once('close', resolve)));
  await Promise.all(closed);
  expect(lines.some((line) => line.includes('ERR_TLS_HANDSHAKE_TIMEOUT'))).toBe(true);
  expect(broker.health()).toMatchObject({ connected: [], dropped: 0 });
});

it('bounds the connections of one gateway; the newest gets in', async () => {
  await start({ perIdentity: 3 });
  for (let i = 0; i < 5; i++) expect((await enter(`box-${i}`)).said).toEqual(ACCEPTED);
  await vi.waitFor(() => expect(broker.health().connected).toEqual(['gate-1', 'gate-1', 'gate-1']), WAIT);
  expect(lines.filter((line) => line.includes('more than 3 connections at once'))).toHaveLength(2);
});

it('refuses a client id that is too long', async () => {
  await start();
  expect((await enter('x'.repeat(129))).said).toEqual(Buffer.from([0x20, 2, 0, 5]));
  expect((await enter('x'.repeat(60_000))).said).toEqual(Buffer.from([0x20, 2, 0, 5]));
  expect((await enter('x'.repeat(128))).said).toEqual(ACCEPTED);
  expect(
    lines.filter((line) => line.includes('refused gate-1: a client id of 60000 characters"}')),
  ).toHaveLength(1);
  expect(Math.max(...lines.map(({ length }) => length))).toBeLessThan(2_000);
});
