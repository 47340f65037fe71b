import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { connect } from 'node:tls';

const PROBE_MS = 5_000;

/**
 * Finds out who answers at an address, without trusting it or sending it anything: the certificate that our client rejected, so
 * that a message can say why.
 *
 * @returns null if none is presented within seconds
 */
export function readPeerCertificate(
  host: string,
  port: number,
  signal: AbortSignal,
): Promise<X509Certificate | null> {
  return new Promise((resolve) => {
    // Only to look at the certificate. No client certificate, no byte of MQTT.
    const socket = connect({
      host,
      port,
      rejectUnauthorized: false,
      ...(isIP(host) === 0 && { servername: host }),
    });
    const aborted = () => done(null);
    const done = (certificate: X509Certificate | null) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', aborted);
      socket.destroy();
      resolve(certificate);
    };
    const timer = setTimeout(() => done(null), PROBE_MS).unref();
    signal.addEventListener('abort', aborted);
    socket.on('error', () => done(null));
    socket.once('close', () => done(null));
    socket.once('secureConnect', () => {
      const { raw } = socket.getPeerCertificate();
      done(raw === undefined ? null : new X509Certificate(raw));
    });
  });
}
