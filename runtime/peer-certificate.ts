import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { connect } from 'node:tls';

const PROBE_MS = 5_000;

/**
 * Asks who answers at an address, without trusting him and without telling him anything: the certificate that a client of ours did not take, so
 * that a message can say why.
 *
 * @returns null where none is shown within seconds
 */
export function readPeerCertificate(
  host: string,
  port: number,
  signal: AbortSignal,
): Promise<X509Certificate | null> {
  return new Promise((resolve) => {
    // Not to send anything: it is only looked at. No client certificate, no byte of MQTT.
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
