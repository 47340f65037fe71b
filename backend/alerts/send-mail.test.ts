import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { ChannelSettings } from '#protocol/channel.ts';
import { type Authority, createAuthority, type Issued } from '../enrolment/authority.ts';
import { MailServer } from '../testing/mail-server.ts';
import type { OutgoingAlert } from './outgoing-alert.ts';
import { sendMail } from './send-mail.ts';

const ALERT: OutgoingAlert = {
  delivery: '7d9f9d5e-0000-4000-8000-000000000001',
  site: 'yard',
  alert: {
    ...{ id: 7, rule: 'intruder', severity: 'critical', subject: { kind: 'camera', name: 'door' } },
    ...{
      title: 'Jemand an der Tür\nBcc: victim@example.org',
      message: 'present since 02:10',
      raised: '2026-11-29T01:10:00.000Z',
    },
    ...{ ended: null, acknowledged: null, times: 2 },
  },
};
const never = new AbortController().signal;

let authority: Authority;
let issued: Issued;
let tls: { cert: string; key: string };
let server: MailServer | null = null;
beforeAll(async () => {
  authority = await createAuthority();
  issued = await authority.issue({ kind: 'broker', commonName: 'broker', days: 1 });
  tls = { cert: issued.certificate, key: issued.key };
});
const stop = async () => {
  await server?.close();
  server = null;
};
afterEach(stop);
afterAll(stop);

async function start(options: Parameters<typeof MailServer.start>[0]): Promise<MailServer> {
  server = await MailServer.start(options);
  return server;
}

function send(port: number, settings: Record<string, unknown> = {}, options = {}): Promise<string> {
  const channel = ChannelSettings.parse({
    ...{
      kind: 'email',
      host: 'localhost',
      port,
      from: 'yard@example.org',
      to: ['guard@example.org', 'b@example.org'],
    },
    ...{ ca: authority.certificate, ...settings },
  });
  if (channel.kind !== 'email') throw new Error();
  return sendMail(channel, ALERT, { signal: never, ...options }).then(
    () => 'sent',
    (error: Error & { code?: string }) => `${error.code}: ${error.message}`,
  );
}
const LOG_IN = { user: 'yard', password: 'right horse' };

it.each([
  ['starttls', { secure: false }],
  ['tls', { secure: true }],
])('sends a mail over %s, and logs in', async (kind, options) => {
  const { port, received } = await start({ ...tls, ...options });
  expect(await send(port, { tls: kind, ...LOG_IN })).toBe('sent');
  const [mail] = received;
  expect(mail).toMatchObject({ to: ['guard@example.org', 'b@example.org'], isSecure: true, user: 'yard' });
  const { text = '' } = mail ?? {};
  expect(text).toContain(`Message-ID: <${ALERT.delivery}@example.org>\r\n`);
  expect(text).toContain('Auto-Submitted: auto-generated\r\n');
  expect(text).toMatch(/\r\n\r\npresent since 02:10\r\n/);
  // A title cannot make headers.
  expect(text).not.toMatch(/^Bcc:/im);
  expect(text).toMatch(/^Subject: =\?UTF-8\?/m);
});

it('says nothing to a server without encryption, unless it may, and then no password', async () => {
  const { port, received, passwords } = await start({
    disabledCommands: ['STARTTLS'],
    allowInsecureAuth: true,
  });
  expect(await send(port, LOG_IN)).toMatch(/^CHANNEL_(REFUSED|UNREACHABLE): localhost /);
  expect(await send(port, { tls: 'tls', ...LOG_IN }, { timeoutMs: 1000 })).toMatch(
    /^CHANNEL_UNREACHABLE: localhost /,
  );
  expect(received).toEqual([]);
  expect(passwords).toEqual([]);
  expect(await send(port, { tls: 'none' })).toBe('sent');
  expect(received).toMatchObject([{ isSecure: false, user: null }]);
});

it('says nothing to a server that does not prove who it is', async () => {
  const { port, received, passwords } = await start(tls);
  const ca = (await createAuthority()).certificate;
  expect(await send(port, { ca, ...LOG_IN })).toMatch(
    /^CHANNEL_UNREACHABLE: localhost cannot be reached: .*certificate/,
  );
  expect(received).toEqual([]);
  expect(passwords).toEqual([]);
});

it('says why the server refuses, without what was said to it', async () => {
  const { port } = await start({
    ...tls,
    onRcptTo: ({ address }, _session, answer) =>
      answer(new Error(`${address} is not here, ${LOG_IN.password}`)),
  });
  const wrong = await send(port, { ...LOG_IN, password: 'wrong horse' });
  expect(wrong).toMatch(/^CHANNEL_REFUSED: localhost did not accept user and password \(535\)$/);
  const refused = await send(port, LOG_IN);
  expect(refused).toMatch(/^CHANNEL_REFUSED: localhost did not take the mail \(\d+ after RCPT TO\)$/);
});

it('waits no longer than it may, and stops when it is told to', async () => {
  const mute = createServer((socket) => socket.on('error', () => {})).listen(0, 'localhost');
  await once(mute, 'listening');
  const { port } = mute.address() as { port: number };
  expect(await send(port, {}, { timeoutMs: 50 })).toMatch(/^CHANNEL_UNREACHABLE: localhost /);
  const stopped = new AbortController();
  mute.once('connection', () => stopped.abort(new Error('stopped')));
  expect(await send(port, {}, { signal: stopped.signal })).toMatch(/stopped/);
  mute.close();
  // Nobody listens there.
  expect(await send(1)).toMatch(/^CHANNEL_UNREACHABLE: localhost cannot be reached: .*ECONNREFUSED/);
});
