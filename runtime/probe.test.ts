import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterEach, describe, expect, it } from 'vitest';
import { answers, isAlive, listens } from './probe.ts';

/** Loopback addresses and wildcards of this machine, which may have no IPv6. */
const HOSTS = [
  '127.0.0.1',
  '0.0.0.0',
  ...(networkInterfaces().lo?.some((lo) => lo.address === '::1') ? ['::1'] : []),
];

describe('probes', () => {
  let server: Server | null = null;
  afterEach(() => server?.close());

  async function serve(host: string, status: number, body: object = {}): Promise<number> {
    server = createServer((request, response) => {
      response.writeHead(request.url === '/healthz' ? status : 401).end(JSON.stringify(body));
    });
    server.listen(0, host);
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  it.each(HOSTS)('ask for the health at %s', async (host) => {
    const port = await serve(host, 200, { status: 'ok' });
    expect(await isAlive(host, port)).toBe(true);
  });

  it('do not take a stuck server, a refusal or silence for health', async () => {
    expect(await isAlive('127.0.0.1', await serve('127.0.0.1', 503, { status: 'stuck' }))).toBe(false);
    server?.close();
    expect(await isAlive('127.0.0.1', await serve('127.0.0.1', 503, { status: 'troubled' }))).toBe(true);
    server?.close();
    const port = await serve('127.0.0.1', 403);
    expect(await isAlive('127.0.0.1', port)).toBe(false);
    expect(await answers(`http://127.0.0.1:${port}/healthz`)).toBe(true);
    server?.close();
    expect(await isAlive('127.0.0.1', 1)).toBe(false);
    expect(await answers('http://127.0.0.1:1/')).toBe(false);
    expect(await listens(1)).toBe(false);
  });
});
