import type { ChannelSettings } from '#protocol/channel.ts';
import { BlindsightError } from '#protocol/errors.ts';
import { alertText, type OutgoingAlert } from './outgoing-alert.ts';

type MailChannel = Extract<ChannelSettings, { readonly kind: 'email' }>;

/** RFC 5321 allows minutes; a server that takes this long is as good as none. */
const TIMEOUT_MS = 20_000;
const PORTS = { tls: 465, starttls: 587, none: 25 };

/**
 * Sends an alert as a mail, and resolves when the server has taken it. Without `tls: none` nothing is said, and no password, before the server has proved who it is.
 *
 * @throws BlindsightError CHANNEL_REFUSED, CHANNEL_UNREACHABLE; what the signal has as reason.
 */
export async function sendMail(
  settings: MailChannel,
  outgoing: OutgoingAlert,
  { signal, timeoutMs = TIMEOUT_MS }: { readonly signal: AbortSignal; readonly timeoutMs?: number },
): Promise<void> {
  const { createTransport } = await import('nodemailer');
  const { host, tls, user, password, from, to, ca } = settings;
  const transport = createTransport({
    ...{ host, port: settings.port ?? PORTS[tls], secure: tls === 'tls' },
    ...{ requireTLS: tls === 'starttls', ignoreTLS: tls === 'none' },
    ...(user !== undefined && password !== undefined && { auth: { user, pass: password } }),
    tls: { minVersion: 'TLSv1.2', ...(ca !== undefined && { ca }) },
    ...{
      connectionTimeout: timeoutMs,
      greetingTimeout: timeoutMs,
      socketTimeout: timeoutMs,
      dnsTimeout: timeoutMs,
    },
    ...{ disableFileAccess: true, disableUrlAccess: true },
  });
  const close = () => transport.close();
  signal.addEventListener('abort', close, { once: true });
  try {
    signal.throwIfAborted();
    await transport.sendMail({
      ...{ from, to },
      subject: `[${outgoing.site}] ${outgoing.alert.title}`,
      text: alertText(outgoing),
      // The same at each attempt: what came twice can be recognized.
      messageId: `<${outgoing.delivery}@${from.split('@').at(-1)}>`,
      headers: { 'Auto-Submitted': 'auto-generated' },
      signal,
    });
  } catch (error) {
    signal.throwIfAborted();
    throw failure(host, error);
  } finally {
    signal.removeEventListener('abort', close);
    transport.close();
  }
}

/** What the server says is cut out: it may repeat what it was told. */
function failure(host: string, error: unknown): BlindsightError {
  const {
    code = '',
    responseCode,
    command,
  } = error as { code?: string; responseCode?: number; command?: string };
  if (code === 'EAUTH')
    return new BlindsightError(
      'CHANNEL_REFUSED',
      `${host} did not accept user and password (${responseCode ?? code})`,
    );
  if (responseCode !== undefined && responseCode >= 400)
    return new BlindsightError(
      'CHANNEL_REFUSED',
      `${host} did not take the mail (${responseCode} after ${command ?? 'it'})`,
    );
  if (code === 'ETLS')
    return new BlindsightError(
      'CHANNEL_UNREACHABLE',
      `${host} offers no encryption (STARTTLS) that can be trusted`,
    );
  const why = error instanceof Error && responseCode === undefined ? error.message : code;
  return new BlindsightError('CHANNEL_UNREACHABLE', `${host} cannot be reached: ${why}`);
}
