import { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import {
  commonName,
  findInvalidity,
  isForClients,
  organizationalUnit,
  parseCertificates,
} from '#runtime/certificate-check.ts';
import { type Identity, identityOf } from './access.ts';
import { readRevoked } from './revoked.ts';

/** Whether a connection is admitted, and whose it is; otherwise why not. */
export type Verdict =
  | { readonly identity: Identity /** Of its certificate, hex, upper case. */; readonly serial: string }
  /** A known client: the authority of this site issued its certificate. */
  | { readonly known: string; readonly reason: string }
  /** A client about which nothing is certain. */
  | { readonly known: null; readonly kind: string; readonly reason: string };

/** CONNACK of MQTT 3.1.1 with return code 5, not authorized. */
const REFUSAL = Buffer.from([0x20, 2, 0, 5]);
/** How long a refused client may take to read the refusal. */
const LEAVE_MS = 2_000;

/** Judges a connection after its handshake, by its certificate alone. Nothing it sent has been read yet. */
export function judge(socket: TLSSocket, ca: Buffer, revokedFile: string, nowMs: number): Verdict {
  const { raw } = socket.getPeerCertificate();
  if (raw === undefined) return stranger('none', 'it shows no certificate');
  const certificate = new X509Certificate(raw);
  const [name, issuer] = [commonName(certificate.subject), commonName(certificate.issuer)];
  const isOurs = parseCertificates(ca).some(
    (authority) => certificate.checkIssued(authority) && certificate.verify(authority.publicKey),
  );
  if (!isOurs) {
    return stranger('foreign', `a certificate of ${shown(name)} from ${shown(issuer)}, not our authority`);
  }
  const invalidity = findInvalidity(certificate, nowMs);
  if (invalidity !== null) return { known: name, reason: `its certificate ${invalidity}` };
  const why = isForClients(certificate) ? socket.authorizationError : 'it is not for a client';
  if (!socket.authorized) return { known: name, reason: `no valid certificate (${why})` };
  const identity = identityOf(name, organizationalUnit(certificate.subject));
  if (identity === null) return { known: name, reason: 'no identity of a client' };
  const serial = certificate.serialNumber.toUpperCase();
  const reason = refusalOf(identity, serial, revokedFile);
  return reason === null ? { identity, serial } : { known: identity.name, reason };
}

/** Tells a client that it is refused, so that it can tell people, and closes the connection. It learns no reason. */
export function turnAway(socket: TLSSocket): void {
  const timer = setTimeout(() => socket.destroy(), LEAVE_MS).unref();
  socket.once('close', () => clearTimeout(timer));
  socket.on('error', () => socket.destroy());
  // After its first bytes, whatever they are: a client accepts an answer only after it has asked.
  socket.once('data', () => socket.end(REFUSAL));
}

function stranger(kind: string, reason: string): Verdict {
  return { known: null, kind, reason };
}

/** Why a client with a valid certificate is not admitted, or null. */
function refusalOf(identity: Identity, serial: string, revokedFile: string): string | null {
  try {
    const { gateways, serials } = readRevoked(revokedFile);
    if (identity.kind === 'gateway' && gateways.has(identity.name)) return 'this gateway was removed';
    return serials.has(serial) ? `its certificate ${serial} was revoked` : null;
  } catch (error) {
    // The backend is let in: it is the one who can mend the list.
    if (identity.kind === 'backend') return null;
    return `the list of removed gateways cannot be read (${error instanceof Error ? error.message : error})`;
  }
}

/** What strangers wrote, made safe for a log. */
function shown(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}
