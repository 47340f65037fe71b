import { spawn } from 'node:child_process';
import { BlindsightError } from '#protocol/errors.ts';

/** How a TPM 2.0 is reached: a TCTI of tpm2-tss, such as `device:/dev/tpmrm0`. */
export type TpmAddress = string;

/** The TPM of the machine, through the kernel's resource manager: without one, a TLS handshake exceeds the few objects that a TPM holds. */
export const DEFAULT_TPM: TpmAddress = 'device:/dev/tpmrm0';

/** Where a key is made: without a preference OpenSSL makes its own. */
export const MAKING = ['-provider', 'default', '-provider', 'tpm2', '-propquery', '?provider=tpm2'];

/**
 * Signatures by the TPM where the key is in it, everything else by OpenSSL. Preferring the TPM for all (`?provider=tpm2`) sends every digest
 * of a handshake through it, and without any preference OpenSSL 3.0 takes its own ECDSA and does not find the private key.
 */
export const USING = ['-provider', 'default', '-provider', 'tpm2', '-propquery', '?tpm2.signature'];

/** Only what is needed: nothing that systemd handed us reaches the child. D-Bus is for `tabrmd`, a resource manager in user space. */
export function tpmEnvironment(tpm: TpmAddress): Record<string, string> {
  const { PATH = '/usr/bin:/bin', DBUS_SESSION_BUS_ADDRESS: bus } = process.env;
  return { PATH, TPM2OPENSSL_TCTI: tpm, ...(bus !== undefined && { DBUS_SESSION_BUS_ADDRESS: bus }) };
}

/**
 * Runs `openssl`, whose arguments name its providers ({@link MAKING}, {@link USING}), with a TPM.
 *
 * @returns what it printed
 * @throws BlindsightError TPM_UNAVAILABLE
 */
export async function runOpenssl(
  args: readonly string[],
  tpm: TpmAddress,
  signal?: AbortSignal,
): Promise<string> {
  const child = spawn('openssl', args, {
    env: tpmEnvironment(tpm),
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(signal && { signal }),
  });
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let output = '';
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  child.once('error', (cause) => reject(signal?.aborted ? cause : tpmFailure(cause.message, tpm)));
  child.once('close', (status) => (status === 0 ? resolve(output) : reject(tpmFailure(said, tpm))));
  return promise;
}

/** Says what is missing, by what OpenSSL and tpm2-tss say. */
export function tpmFailure(said: string, tpm: TpmAddress): BlindsightError {
  const fail = (message: string) => new BlindsightError('TPM_UNAVAILABLE', message);
  if (/ENOENT/.test(said)) return fail('openssl is not installed: apt install openssl tpm2-openssl');
  if (/tpm2\.so: cannot open|tpm2-openssl|name=tpm2.*not found|could not load the shared library/i.test(said))
    return fail('OpenSSL has no provider for a TPM: apt install tpm2-openssl');
  if (/No such file or directory/.test(said))
    return fail(
      `this machine has no TPM 2.0 at ${tpm}: is there one, and is it switched on in the firmware?`,
    );
  if (/Permission denied/.test(said))
    return fail(`the TPM at ${tpm} may not be used: this user needs the group tss`);
  if (/unable to load provider|tcti|Failed to connect/i.test(said))
    return fail(`no TPM 2.0 answers at ${tpm}`);
  const [line = 'no reason given'] = said.split('\n').filter((text) => /error|fail/i.test(text));
  return fail(`the TPM at ${tpm} does not do what it is asked to: ${line.trim().slice(0, 200)}`);
}
