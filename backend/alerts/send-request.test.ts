import type { LookupAddress } from 'node:dns';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { createAuthority } from '../enrolment/authority.ts';
import { Receiver } from '../testing/receiver.ts';
import { type Lookup, type RequestPolicy, sendRequest } from './send-request.ts';

let receiver: Receiver;
beforeAll(async () => {
  receiver = await Receiver.start();
});
afterAll(() => receiver.close());
beforeEach(() => {
  receiver.received.length = 0;
  receiver.behavior = (_received, response) => void response.writeHead(204).end();
});

const never = new AbortController().signal;
const send = (url: string, policy: Partial<RequestPolicy> = {}) =>
  sendRequest(
    { url, headers: { 'x-key': 'secret-header' }, body: 'hello' },
    { allowPrivate: true, signal: never, ...policy },
  );
/** How it fails, as a person reads it. */
const failure = (sent: Promise<void>): Promise<string> =>
  sent.then(
    () => 'sent',
    (error: Error & { code?: string }) => `${error.code}: ${error.message}`,
  );
/** A resolver that knows one name. */
const resolving =
  (...addresses: string[]): Lookup =>
  (_host, _options, answer) =>
    answer(
      null,
      addresses.map((address): LookupAddress => ({ address, family: address.includes(':') ? 6 : 4 })),
    );

it('posts body and headers, once', async () => {
  await send(receiver.url('/hook?token=1'));
  expect(receiver.received).toMatchObject([
    {
      method: 'POST',
      path: '/hook?token=1',
      body: 'hello',
      headers: { 'x-key': 'secret-header', 'content-length': '5' },
    },
  ]);
});

it.each([300, 301, 302, 307, 308, 400, 401, 404, 410, 429, 500, 503])('is refused by %i', async (status) => {
  receiver.behavior = (_received, response) =>
    void response.writeHead(status, { location: receiver.url('/other') }).end('secret');
  const text = await failure(send(receiver.url('/hook?token=secret-path')));
  expect(text).toMatch(new RegExp(`^CHANNEL_REFUSED: localhost:\\d+ .*\\(HTTP ${status}\\)$`));
  expect(text).not.toContain('secret');
  // Nobody is followed anywhere, not even to where it would be allowed.
  expect(receiver.received).toHaveLength(1);
});

it('waits no longer than it may: for an answer that does not come, or a server that says nothing at all', async () => {
  receiver.behavior = () => {};
  expect(await failure(send(receiver.url('/hook'), { timeoutMs: 50 }))).toMatch(
    /^CHANNEL_UNREACHABLE: localhost:\d+ cannot be reached: it did not answer within 0.05 s$/,
  );
  const mute = createServer().listen(0, '127.0.0.1');
  await once(mute, 'listening');
  const { port } = mute.address() as { port: number };
  expect(await failure(send(`http://127.0.0.1:${port}/`, { timeoutMs: 50 }))).toMatch(/did not answer/);
  mute.close();
  // Nobody listens there.
  expect(await failure(send('http://127.0.0.1:1/secret'))).toMatch(/^CHANNEL_UNREACHABLE: .*ECONNREFUSED/);
});

it('does not read an answer that never ends', async () => {
  let left: Promise<unknown> = Promise.resolve();
  receiver.behavior = (_received, response) => {
    left = once(response, 'close');
    response.writeHead(200);
    const more = () => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536)));
    };
    response.on('drain', more);
    more();
  };
  await send(receiver.url());
  await left;
});

it('stops when it is told to', async () => {
  const stop = new AbortController();
  receiver.behavior = () => stop.abort(new Error('stopped'));
  await expect(send(receiver.url(), { signal: stop.signal })).rejects.toThrow('stopped');
});

it.each([
  ...[
    '127.0.0.1',
    '2130706433',
    '0x7f.1',
    '0177.0.0.1',
    '127.1',
    '0.0.0.0',
    '0',
    '127.0.0.1.',
    '１２７.0.0.1',
  ],
  ...['[::1]', '[::]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[64:ff9b::7f00:1]', 'localhost'],
])('does not connect to this machine, which is called %s', async (host) => {
  const sent = send(receiver.url('/hook', host), { allowPrivate: false });
  expect(await failure(sent)).toMatch(/^CHANNEL_ADDRESS_PRIVATE: .* private network/);
  expect(receiver.received).toEqual([]);
});

it.each(['127.0.0.1', '::1', '::ffff:127.0.0.1', '0.0.0.0', '10.0.0.1', 'fd00::1'])(
  'does not connect to a name that resolves to %s',
  async (address) => {
    const lookup = resolving(address);
    const sent = send(receiver.url('/hook', 'hooks.example.org'), { allowPrivate: false, lookup });
    expect(await failure(sent)).toMatch(/^CHANNEL_ADDRESS_PRIVATE: hooks.example.org leads /);
    expect(receiver.received).toEqual([]);
  },
);

it('connects to what it has checked, and asks once: a name that is somewhere else when it is asked again leads nowhere else', async () => {
  const answers = [['192.0.2.1', '2001:db8::1'], ['127.0.0.1']];
  let asked = 0;
  const lookup: Lookup = (host, options, answer) =>
    resolving(...answers[Math.min(asked++, 1)]!)(host, options, answer);
  const url = receiver.url('/hook', 'hooks.example.org');
  expect(await failure(send(url, { allowPrivate: false, lookup }))).toMatch(/^CHANNEL_ADDRESS_PRIVATE/);
  expect(asked).toBe(1);
  // Where that is allowed, the resolver is believed.
  await send(url, { lookup });
  expect(receiver.received).toMatchObject([{ headers: { host: `hooks.example.org:${receiver.port}` } }]);
});

it('says of a name that there is none', async () => {
  const lookup: Lookup = (_host, _options, answer) =>
    answer(new Error('getaddrinfo ENOTFOUND nowhere.example'), []);
  expect(await failure(send('http://nowhere.example/', { lookup }))).toMatch(
    /^CHANNEL_UNREACHABLE: .*ENOTFOUND/,
  );
});

it('believes a server of its own authority, and no other', async () => {
  const authority = await createAuthority();
  const { certificate, key } = await authority.issue({ kind: 'broker', commonName: 'broker', days: 1 });
  const secure = await Receiver.start({ cert: certificate, key });
  await send(secure.url('/hook'), { ca: authority.certificate });
  expect(secure.received).toHaveLength(1);
  for (const ca of [undefined, (await createAuthority()).certificate])
    expect(await failure(send(secure.url('/hook'), ca === undefined ? {} : { ca }))).toMatch(
      /^CHANNEL_UNREACHABLE: .*certificate/,
    );
  expect(secure.received).toHaveLength(1);
  await secure.close();
});
