import { createPublicKey, type KeyObject } from 'node:crypto';
import { MAKING, runOpenssl, type TpmAddress, USING } from './openssl.ts';

const LABEL = '-----BEGIN TSS2 PRIVATE KEY-----';

/** Whether a PEM text is a key that only the TPM that made it can use: what it holds is encrypted by that TPM. */
export function isTpmKey(pem: string | Buffer): boolean {
  return String(pem).trimStart().startsWith(LABEL);
}

/**
 * Makes a P-256 key that never leaves the TPM.
 *
 * @returns PEM, "TSS2 PRIVATE KEY": useless on every other machine
 * @throws BlindsightError TPM_UNAVAILABLE
 */
export function makeTpmKey(tpm: TpmAddress, signal?: AbortSignal): Promise<string> {
  return runOpenssl(['genpkey', ...MAKING, '-algorithm', 'EC', '-pkeyopt', 'group:P-256'], tpm, signal);
}

/** The public half of a key in the TPM. @throws BlindsightError TPM_UNAVAILABLE */
export async function tpmPublicKey(
  keyFile: string,
  tpm: TpmAddress,
  signal?: AbortSignal,
): Promise<KeyObject> {
  return createPublicKey(await runOpenssl(['pkey', ...USING, '-in', keyFile, '-pubout'], tpm, signal));
}

/**
 * A certificate request (PKCS #10), signed by the TPM.
 *
 * @param commonName a name of the protocol: lower case, digits, hyphens
 * @returns DER
 * @throws BlindsightError TPM_UNAVAILABLE
 */
export async function tpmCertificateRequest(
  keyFile: string,
  commonName: string,
  tpm: TpmAddress,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const pem = await runOpenssl(
    ['req', ...USING, '-new', '-key', keyFile, '-subj', `/CN=${commonName}`],
    tpm,
    signal,
  );
  return new Uint8Array(Buffer.from(pem.replace(/-----[A-Z ]+-----/g, ''), 'base64'));
}
