import { createHash, X509Certificate } from 'node:crypto';
import { request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import { checkServerIdentity, connect, type DetailedPeerCertificate, type PeerCertificate } from 'node:tls';
import {
  ENROLMENT_ANSWER_MAX_BYTES,
  ENROLMENT_PATH,
  ENROLMENT_SERVER_NAME,
  type EnrolmentAnswer,
  EnrolmentRefusal,
  readEnrolmentAnswer,
} from '#protocol/enrolment.ts';
import { BlindsightError, ERRORS, type ErrorCode } from '#protocol/errors.ts';
import type { EnrolmentAddress, Invitation } from '#protocol/invitation.ts';
import { shownTime } from '#runtime/certificate-check.ts';

const ANSWER_MS = 20_000;

/**
 * Sends a request to the site that an invitation names, at the first of its addresses that is that site.
 *
 * Each is asked twice. First only for its chain of certificates, from which the authority is taken if it has exactly the fingerprint of the invitation;
 * nothing is said on that connection. Then for the answer, on a connection that OpenSSL verifies against this authority alone, with the host's name;
 * the secret is sent on no other.
 *
 * @throws BlindsightError ENROLMENT_UNREACHABLE, ENROLMENT_UNTRUSTED, ENROLMENT_CLOCK, ENROLMENT_INVALID, or what the site refuses with
 */
export async function askSite(
  invitation: Invitation,
  wire: Uint8Array,
  nowMs: number,
): Promise<EnrolmentAnswer> {
  const failures: BlindsightError[] = [];
  for (const address of invitation.addresses) {
    try {
      const authority = await fetchAuthority(address, invitation.fingerprint);
      return await post(address, authority, wire, nowMs);
    } catch (error) {
      const isElsewhere =
        error instanceof BlindsightError &&
        (error.code === 'ENROLMENT_UNREACHABLE' || error.code === 'ENROLMENT_UNTRUSTED');
      if (!isElsewhere) throw error;
      failures.push(error);
    }
  }
  const worst = failures.find(({ code }) => code === 'ENROLMENT_UNTRUSTED') ?? failures[0]!;
  throw new BlindsightError(worst.code, [...new Set(failures.map(({ message }) => message))].join('; '), {
    cause: worst,
  });
}

/** The authority's certificate, PEM, from a chain that nobody has verified: believed for its fingerprint alone. */
async function fetchAuthority(address: EnrolmentAddress, fingerprint: Uint8Array): Promise<string> {
  const leaf = await peerCertificate(address);
  const seen = new Set<string>();
  for (
    let one: DetailedPeerCertificate | undefined = leaf;
    one?.raw !== undefined && !seen.has(one.fingerprint256);
    one = one.issuerCertificate
  ) {
    seen.add(one.fingerprint256);
    const isIt = createHash('sha256').update(one.raw).digest().equals(Buffer.from(fingerprint));
    if (isIt) return new X509Certificate(one.raw).toString();
  }
  throw new BlindsightError(
    'ENROLMENT_UNTRUSTED',
    `${shown(address)} does not belong to the authority whose fingerprint is in the invitation; nothing was sent to it`,
  );
}

function peerCertificate({ host, port }: EnrolmentAddress): Promise<DetailedPeerCertificate> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port,
      ...(isIP(host) === 0 && { servername: host }),
      // Nothing is sent: what is shown here is only compared with the fingerprint.
      rejectUnauthorized: false,
      minVersion: 'TLSv1.3',
    });
    socket.setTimeout(ANSWER_MS, () => socket.destroy(new Error('no answer')));
    socket.once('secureConnect', () => {
      resolve(socket.getPeerCertificate(true));
      socket.destroy();
    });
    socket.once('error', (cause) => reject(unreachable({ host, port }, cause)));
    socket.once('close', () => reject(unreachable({ host, port }, new Error('the connection was closed'))));
  });
}

async function post(
  address: EnrolmentAddress,
  authority: string,
  wire: Uint8Array,
  nowMs: number,
): Promise<EnrolmentAnswer> {
  const { status, body } = await exchange(address, authority, wire, nowMs);
  if (status === 200) return readEnrolmentAnswer(body);
  throw refusal(body) ?? new BlindsightError('ENROLMENT_INVALID', `the site answered with status ${status}`);
}

function exchange(
  { host, port }: EnrolmentAddress,
  ca: string,
  wire: Uint8Array,
  nowMs: number,
): Promise<{ readonly status: number; readonly body: Uint8Array }> {
  return new Promise((resolve, reject) => {
    const fail = (cause: Error) => reject(explain({ host, port }, cause, nowMs));
    const request = httpsRequest(
      {
        host,
        port,
        ...(isIP(host) === 0 && { servername: host }),
        method: 'POST',
        path: ENROLMENT_PATH,
        ca,
        agent: false,
        minVersion: 'TLSv1.3',
        checkServerIdentity: isEnrolment,
        headers: { 'content-type': 'application/octet-stream', 'content-length': wire.length },
        signal: AbortSignal.timeout(ANSWER_MS),
      },
      (response) => {
        const parts: Buffer[] = [];
        let length = 0;
        response.on('data', (part: Buffer) => {
          length += part.length;
          if (length > ENROLMENT_ANSWER_MAX_BYTES) request.destroy(new Error('an answer that is too long'));
          else parts.push(part);
        });
        response.once('error', fail);
        response.once('end', () =>
          resolve({ status: response.statusCode ?? 0, body: new Uint8Array(Buffer.concat(parts)) }),
        );
      },
    );
    request.once('error', fail);
    request.end(wire);
  });
}

/** The broker of the site has a certificate for the same hosts, and is not to be told what an invitation is worth. */
function isEnrolment(host: string, certificate: PeerCertificate): Error | undefined {
  const problem = checkServerIdentity(host, certificate);
  if (problem !== undefined || certificate.subject.CN === ENROLMENT_SERVER_NAME) return problem;
  return new Error(`this is "${certificate.subject.CN}" of the site, which enrols nobody`);
}

function explain(address: EnrolmentAddress, cause: Error, nowMs: number): BlindsightError {
  const { code, cert } = cause as { code?: string; cert?: PeerCertificate };
  const where = shown(address);
  const what = (code ?? '').toLowerCase().replaceAll('_', ' ');
  if (what === 'cert not yet valid' || what === 'cert has expired') {
    const side = what === 'cert not yet valid' ? 'not valid yet' : 'expired';
    return new BlindsightError(
      'ENROLMENT_CLOCK',
      `the certificate of ${where} is ${side} by the clock of this machine, which says ${shownTime(nowMs)}: set the clock`,
      { cause },
    );
  }
  if (what.endsWith('cert altname invalid')) {
    return new BlindsightError(
      'ENROLMENT_UNTRUSTED',
      `${where} shows a certificate for ${cert?.subjectaltname?.slice(0, 200) ?? 'no host'}, not for this name; nothing was sent to it`,
      { cause },
    );
  }
  const isTls = /^(unable to|self signed|depth zero|cert |invalid |path length|err ssl|err tls)/.test(what);
  if (isTls || cause.message.startsWith('this is "')) {
    return new BlindsightError(
      'ENROLMENT_UNTRUSTED',
      `${where} is not the enrolment of the site (${cause.message.slice(0, 200)}); nothing was sent to it`,
      { cause },
    );
  }
  return unreachable(address, cause);
}

function unreachable(address: EnrolmentAddress, cause: Error): BlindsightError {
  const { code } = cause as { code?: string };
  const why = cause.name === 'TimeoutError' ? 'no answer' : (code ?? cause.message);
  return new BlindsightError('ENROLMENT_UNREACHABLE', `${shown(address)} cannot be reached (${why})`, {
    cause,
  });
}

/** What the site refuses with, in its words; null for something else. */
function refusal(body: Uint8Array): BlindsightError | null {
  try {
    const { error } = EnrolmentRefusal.parse(JSON.parse(new TextDecoder().decode(body)));
    const code = error.code in ERRORS ? (error.code as ErrorCode) : 'ENROLMENT_FAILED';
    return new BlindsightError(code, error.message.slice(0, 500));
  } catch {
    return null;
  }
}

function shown({ host, port }: EnrolmentAddress): string {
  return `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
}
