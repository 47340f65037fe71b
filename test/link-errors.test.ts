import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttp } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTls } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  type Authority,
  createAuthority,
  type Issued,
  type IssueRequest,
} from '#backend/enrolment/authority.ts';
import { embeddedBroker, mosquitto, type RunningBroker } from '#broker/testing/contract-brokers.ts';
import type { BlindsightError } from '#protocol/errors.ts';
import { gatewayTopics } from '#protocol/topics.ts';
import { systemClock } from '#runtime/clock.ts';
import { connectLink, type Link, type LinkOptions } from '#runtime/link.ts';
import { createLogger } from '#runtime/log.ts';
import { RetryLadder } from '#runtime/retry.ts';

const DAY_MS = 86_400_000;
const TIME = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d UTC`;
const GATE = { kind: 'gateway', commonName: 'gate-1', days: 1 } as const;
const BROKER = { kind: 'broker', commonName: 'broker', days: 1 } as const;
const FILES = { ca: '/etc/x/ca.pem', certificate: '/etc/x/gateway.pem', key: '/etc/x/gateway.key' };

let folder: string;
let north: Authority;
let south: Authority;
let gate: Issued;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'blindsight-link-errors-'));
  [north, south] = [await createAuthority('Blindsight north'), await createAuthority('Blindsight south')];
  gate = await north.issue(GATE);
});
afterAll(() => rm(folder, { recursive: true }));

/** What an authority would have issued at another time. */
async function issuedAt(days: number, authority: Authority, request: IssueRequest): Promise<Issued> {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + days * DAY_MS });
  return authority.issue(request).finally(() => vi.useRealTimers());
}

const lines: string[] = [];
afterEach(() => {
  lines.length = 0;
});

function open(options: Partial<LinkOptions>): Link {
  return connectLink({
    url: 'mqtts://localhost',
    ca: north.certificate,
    certificate: gate.certificate,
    key: gate.key,
    files: FILES,
    clientId: 'gate-1',
    clock: systemClock,
    log: createLogger({
      name: 'gate-1',
      level: 'info',
      format: 'json',
      destination: { write: (line) => lines.push(line) },
    }),
    ladder: new RetryLadder([20]),
    ...options,
  });
}

const hasIPv6 = Object.values(networkInterfaces()).some((all) =>
  all?.some(({ address }) => address === '::1'),
);

/** Another address under which a broker is reached. */
async function relayFrom(host: string, to: number): Promise<{ server: Server; port: number }> {
  const server = createServer((near) => {
    const far = connect(to, '127.0.0.1');
    near.on('error', () => far.destroy()).pipe(far);
    far.on('error', () => near.destroy()).pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return { server, port: (server.address() as AddressInfo).port };
}

/** The first cause that a link names which matches, or all that it named. */
async function cause(port: number, expected: RegExp, options: Partial<LinkOptions> = {}): Promise<string> {
  const reasons: BlindsightError[] = [];
  const link = open({ url: `mqtts://localhost:${port}`, ...options });
  link.onDown((reason) => reasons.push(reason));
  const found = () => reasons.find(({ code, message }) => expected.test(`${code} ${message}`));
  await vi.waitFor(() => expect(found()).toBeDefined(), 60_000).catch(() => undefined);
  await link.close();
  const first = found();
  return first ? `${first.code} ${first.message}` : reasons.map(({ message }) => message).join('\n');
}

describe.each([
  ['the embedded broker', embeddedBroker],
  ['mosquitto', mosquitto],
])('a link that %s does not take', (name, start) => {
  let broker: RunningBroker;
  let withdrawn: Issued;
  beforeAll(async () => {
    const home = await mkdtemp(join(folder, 'broker-'));
    withdrawn = await north.issue({ ...GATE, commonName: 'gate-2' });
    const { serialNumber } = new X509Certificate(withdrawn.certificate);
    const server = await north.issue({ ...BROKER, subjectAltNames: ['::1'] });
    const list = await north.revocationList([{ serialNumber, revokedMs: Date.now() }], Date.now());
    await writeFile(join(home, 'ca.pem'), north.certificate);
    await writeFile(join(home, 'broker.pem'), server.certificate);
    await writeFile(join(home, 'broker.key'), server.key, { mode: 0o600 });
    await writeFile(join(home, 'revoked.crl'), list);
    await writeFile(join(home, 'revoked-gateways'), 'gate-2\n');
    broker = await start({ folder: home, site: 'north', maxMessageKilobytes: 256 });
  });
  afterAll(() => broker.stop());

  it('says that the gateway was withdrawn', async () => {
    const expected =
      /^LINK_REFUSED the broker at mqtts:\S+ refuses gate-2: it was removed \(`blindsight gateway remove`\)/;
    expect(await cause(broker.port, expected, withdrawn)).toMatch(expected);
  });

  it.each([
    [-10, `which expired on ${TIME} \\(the clock of this machine says ${TIME}\\)`],
    [10, `which is not valid before ${TIME}, and the clock of this machine says ${TIME}: set the clock`],
  ])('says that its own certificate, issued %i days from now, is out of date', async (days, why) => {
    const outdated = await issuedAt(days, north, GATE);
    const expected = new RegExp(
      `^LINK_REFUSED the broker at .* the certificate of gate-1, /etc/x/gateway.pem, ${why}`,
    );
    expect(await cause(broker.port, expected, outdated)).toMatch(expected);
  });

  it('says that its certificate is of another site', async () => {
    const foreign = await south.issue(GATE);
    const expected =
      name === 'mosquitto'
        ? /^LINK_REFUSED the broker at \S+ does not trust the authority that issued the certificate of gate-1, \/etc\/x\/gateway.pem/
        : /^LINK_REFUSED the broker at \S+ refuses gate-1: .* or the broker serves another site; its log says which$/;
    expect(await cause(broker.port, expected, foreign)).toMatch(expected);
  });

  it('says that the authority is of another site', async () => {
    const expected =
      /^LINK_REFUSED what answers at mqtts:\S+ has a certificate from "Blindsight north", not from the authority in \/etc\/x\/ca.pem, "Blindsight south"/;
    expect(await cause(broker.port, expected, { ca: south.certificate })).toMatch(expected);
  });

  it('says which names the broker has', async () => {
    const relay = await relayFrom('127.0.0.2', broker.port);
    const url = `mqtts://127.0.0.2:${relay.port}`;
    const expected =
      /^LINK_REFUSED the certificate of the broker at mqtts:\S+ covers localhost, 127.0.0.1, \S+, not 127.0.0.2: use one of these in broker.url, or add 127.0.0.2 to the site with `blindsight site broker-host 127.0.0.2`$/;
    expect(await cause(broker.port, expected, { url })).toMatch(expected);
    relay.server.close();
  });

  it.skipIf(!hasIPv6)('is up where the address is IPv6 and the certificate covers it', async () => {
    const relay = await relayFrom('::1', broker.port);
    const link = open({ url: `mqtts://[::1]:${relay.port}` });
    await vi.waitFor(() => expect(link.connected).toBe(true), 60_000);
    await link.close();
    relay.server.close();
  });

  it('suspects a second program of the same name, and says so once', async () => {
    const will = { topic: gatewayTopics('north', 'gate-1').state, payload: 'x', retain: true };
    const expected =
      /^LINK_TAKEN_OVER .* most likely another program connects as gate-1, from a copy of its package/;
    const suspicions: string[] = [];
    const links = [1, 2].map(() => open({ url: `mqtts://localhost:${broker.port}`, will }));
    for (const link of links) {
      link.onDown(({ code, message }) => {
        if (code === 'LINK_TAKEN_OVER') suspicions.push(`${code} ${message}`);
      });
    }
    // Of five at least three are of one link.
    await vi.waitFor(() => expect(suspicions.length).toBeGreaterThanOrEqual(5), 60_000);
    await Promise.all(links.map((link) => link.close()));
    for (const suspicion of suspicions) expect(suspicion).toMatch(expected);
    const said = lines.filter((line) => line.includes('LINK_TAKEN_OVER')).length;
    expect(said).toBeGreaterThanOrEqual(1);
    expect(said).toBeLessThanOrEqual(2);
  });
});

describe('a link to what is no broker of ours', () => {
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });
  async function listening(server: Server): Promise<number> {
    servers.push(server);
    server.on('connection', (socket) => socket.on('error', () => undefined));
    await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
    return (server.address() as AddressInfo).port;
  }
  const pem = async (issued: Promise<Issued>) => {
    const { certificate: cert, key } = await issued;
    return { cert, key };
  };

  it.each([
    [-10, `expired on ${TIME} \\(the clock of this machine says ${TIME}\\)`],
    [10, `is not valid before ${TIME}, and the clock of this machine says ${TIME}: set the clock`],
  ])(
    'says that the certificate of the broker, issued %i days from now, is out of date',
    async (days, why) => {
      const port = await listening(createTls(await pem(issuedAt(days, north, BROKER))));
      const expected = new RegExp(
        `^LINK_REFUSED the certificate of the broker at mqtts://localhost:${port} ${why}$`,
      );
      expect(await cause(port, expected)).toMatch(expected);
    },
  );

  it('says that it is a service with a certificate of another authority', async () => {
    const port = await listening(createHttps(await pem(south.issue(BROKER))));
    const expected =
      /^LINK_REFUSED what answers .* from "Blindsight south", not from the authority in \/etc\/x\/ca.pem, "Blindsight north"/;
    expect(await cause(port, expected)).toMatch(expected);
  });

  it.each([
    ['HTTP', () => createHttp((_, response) => response.end('x'))],
    ['a greeting', () => createServer((socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'))],
    ['nothing', () => createServer((socket) => socket.end())],
  ])('says that %s is no TLS', async (_, make) => {
    const port = await listening(make());
    const expected =
      /^LINK_DOWN what listens at mqtts:\S+ does not speak TLS: another service, or unencrypted MQTT\? The broker speaks TLS, on port 8883/;
    expect(await cause(port, expected)).toMatch(expected);
  });

  it('says that it speaks TLS but not MQTT', async () => {
    const port = await listening(
      createHttps(await pem(north.issue(BROKER)), (_, response) => response.end()),
    );
    const expected = /^LINK_DOWN what answers at mqtts:\S+ is not an MQTT broker \(/;
    expect(await cause(port, expected)).toMatch(expected);
  });

  it('says that it takes connections and is silent, in the clear and over TLS', async () => {
    const silent = await listening(createServer());
    const hidden = await listening(createTls(await pem(north.issue(BROKER))));
    const [open, secure] = [
      /^LINK_DOWN \S+ accepts the connection but says nothing/,
      /^LINK_DOWN what answers at \S+ is not an MQTT broker/,
    ];
    const both = await Promise.all([cause(silent, open), cause(hidden, secure)]);
    expect(both[0]).toMatch(open);
    expect(both[1]).toMatch(secure);
  });

  it('says that nothing listens, and that a name leads nowhere', async () => {
    const port = await listening(createServer());
    servers.pop()?.close();
    const nothing =
      /^LINK_DOWN nothing listens at mqtts:\S+ \(ECONNREFUSED\): is the broker running, and is this its port\?$/;
    expect(await cause(port, nothing)).toMatch(nothing);
    const nowhere = /^LINK_DOWN mqtts:\S+: the name broker.invalid cannot be resolved/;
    expect(await cause(1, nowhere, { url: 'mqtts://broker.invalid:8883' })).toMatch(nowhere);
  });

  it('says a cause once, however often it tries, and the next cause again', async () => {
    const port = await listening(createHttp());
    const link = open({ url: `mqtts://localhost:${port}`, ladder: new RetryLadder([5]) });
    let attempts = 0;
    servers[0]!.on('connection', () => attempts++);
    await vi.waitFor(() => expect(attempts).toBeGreaterThan(5), 60_000);
    servers.pop()?.close();
    await vi.waitFor(() => expect(lines.at(-1)).toContain('nothing listens'), 60_000);
    await link.close();
    const said = lines.map((line) => String(JSON.parse(line).msg));
    expect(said[0]).toContain('does not speak TLS');
    expect(said).toEqual([...new Set(said)]);
  });
});
