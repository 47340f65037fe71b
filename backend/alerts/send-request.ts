import { type LookupAddress, lookup as resolve } from 'node:dns';
import { type IncomingMessage, request as plainly, type RequestOptions } from 'node:http';
import { request as securely } from 'node:https';
import { isIP } from 'node:net';
import { BlindsightError } from '#protocol/errors.ts';
import { isPrivate } from './is-private.ts';

/** What is sent to the other side of a channel, always with POST. */
export type OutgoingRequest = {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

export type RequestPolicy = {
  /** Whether this machine and its networks may be reached. */
  readonly allowPrivate: boolean;
  /** PEM of the only authority that is trusted; the public ones where it is left out. */
  readonly ca?: string;
  readonly signal: AbortSignal;
  readonly timeoutMs?: number;
  /** Tests give names addresses. */
  readonly lookup?: Lookup;
};

/** As `dns.lookup` with `all`. */
export type Lookup = (
  host: string,
  options: { readonly all: true },
  callback: (error: Error | null, addresses: LookupAddress[]) => void,
) => void;

const TIMEOUT_MS = 10_000;

/**
 * Sends a request, and resolves when the other side has answered that it has it (200 to 299). What it answers besides is not read. No redirect is followed, and
 * names are looked up once: what is checked is what is connected to. Neither path nor headers are ever part of an error, because they may hold secrets.
 *
 * @throws BlindsightError CHANNEL_ADDRESS_PRIVATE, CHANNEL_REFUSED, CHANNEL_UNREACHABLE; what the signal has as reason.
 */
export async function sendRequest(outgoing: OutgoingRequest, policy: RequestPolicy): Promise<void> {
  const { signal, timeoutMs = TIMEOUT_MS } = policy;
  const url = new URL(outgoing.url);
  const limit = AbortSignal.timeout(timeoutMs);
  try {
    const status = await statusOf(outgoing, url, { ...policy, signal: AbortSignal.any([signal, limit]) });
    if (status >= 200 && status < 300) return;
    const what = status >= 300 && status < 400 ? 'sent us elsewhere, which is not followed' : 'refused it';
    throw new BlindsightError('CHANNEL_REFUSED', `${url.host} ${what} (HTTP ${status})`);
  } catch (error) {
    if (error instanceof BlindsightError) throw error;
    signal.throwIfAborted();
    const why = limit.aborted ? `it did not answer within ${timeoutMs / 1000} s` : reasonOf(error);
    throw new BlindsightError('CHANNEL_UNREACHABLE', `${url.host} cannot be reached: ${why}`);
  }
}

function statusOf({ headers, body }: OutgoingRequest, url: URL, policy: RequestPolicy): Promise<number> {
  const { allowPrivate, ca, signal, lookup = resolve as Lookup } = policy;
  const host = url.hostname.replace(/^\[|\]$/g, '');
  // A literal address is not looked up. Whatever form it was written in, the URL has it in the usual one.
  if (!allowPrivate && isIP(host) !== 0 && isPrivate(host)) throw privateAddress(url.hostname);
  const options: RequestOptions & { ca?: string } = {
    method: 'POST',
    headers: { ...headers, 'content-length': String(Buffer.byteLength(body)) },
    agent: false,
    signal,
    lookup: guarded(lookup, allowPrivate),
    ...(ca !== undefined && { ca }),
  };
  return new Promise((done, failed) => {
    const sent = (url.protocol === 'https:' ? securely : plainly)(url, options);
    sent.on('error', failed).on('response', (response: IncomingMessage) => {
      done(response.statusCode ?? 0);
      response.on('error', () => {});
      response.destroy();
    });
    sent.end(body);
  });
}

type Answer = (error: Error | null, address: string | LookupAddress[], family?: number) => void;

/** Looks a name up, and gives out only those of its addresses that may be connected to. */
function guarded(lookup: Lookup, allowPrivate: boolean) {
  return (host: string, { all }: { all?: boolean | undefined }, answer: Answer): void =>
    lookup(host, { all: true }, (error, addresses) => {
      if (error) return answer(error, []);
      const allowed = allowPrivate ? addresses : addresses.filter(({ address }) => !isPrivate(address));
      const [first] = allowed;
      if (first === undefined) return answer(privateAddress(host), []);
      if (all) answer(null, allowed);
      else answer(null, first.address, first.family);
    });
}

const privateAddress = (host: string): BlindsightError =>
  new BlindsightError(
    'CHANNEL_ADDRESS_PRIVATE',
    `${host} leads to this machine or into a private network; \`allowPrivate: true\` in the settings of the channel allows that`,
  );

/** Why a connection failed: of several addresses, as the first one did. */
function reasonOf(error: unknown): string {
  const first = error instanceof AggregateError ? error.errors[0] : error;
  if (!(first instanceof Error)) return String(first);
  const { code } = first as NodeJS.ErrnoException;
  return code === undefined || first.message.includes(code) ? first.message : `${first.message} (${code})`;
}
