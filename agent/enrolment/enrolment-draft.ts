import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  X509Certificate,
} from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, rename, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { agentSettings } from '#config/agent-settings.ts';
import {
  type EnrolmentAnswer,
  type EnrolmentRequest,
  enrolmentDigest,
  readEnrolmentRequest,
  signEnrolmentRequest,
} from '#protocol/enrolment.ts';
import { BlindsightError } from '#protocol/errors.ts';
import { commonName, findInvalidity, findMisfit, parseCertificates } from '#runtime/certificate-check.ts';
import { ensureDirectory, readSecretFile, syncFolder, writeFileAtomic } from '#runtime/files.ts';
import { isTpmKey, makeTpmKey, tpmCertificateRequest, tpmPublicKey } from '#runtime/tpm/device-key.ts';
import { DEFAULT_TPM, type TpmAddress } from '#runtime/tpm/openssl.ts';
import { makeCertificateRequest } from './make-certificate-request.ts';

/** Whom a request is for. */
export type Applicant = Pick<EnrolmentRequest, 'site' | 'gateway' | 'secret'> & {
  /** Where the key of the connection is made, and stays. */
  readonly tpm?: TpmAddress | undefined;
};

const REQUEST = 'request.cbor';
/** Which TPM has the key, until that stands in the settings. */
const TPM = 'tpm';
const FILES = { tls: 'gateway.key', signing: 'signing.key', sealing: 'sealing.key' } as const;

/**
 * The keys of a gateway that waits for its certificate, in a hidden folder beside the one it will have: it gets that name when everything is in it. Until then
 * the same keys and the same request are used again, so that an answer that was lost costs nothing.
 */
export class EnrolmentDraft {
  readonly #folder: string;
  readonly #out: string;
  readonly #tpm: TpmAddress | undefined;
  /** What is sent to the site, or carried to it. */
  readonly wire: Uint8Array;

  private constructor(folder: string, out: string, wire: Uint8Array, tpm: TpmAddress | undefined) {
    this.#folder = folder;
    this.#out = out;
    this.#tpm = tpm;
    this.wire = wire;
  }

  /**
   * Makes the keys (0600) and the request, or takes those that an earlier attempt for the same invitation has left.
   *
   * @param outDirectory a folder that does not exist, or is empty
   * @throws BlindsightError OUTPUT_EXISTS, TPM_UNAVAILABLE
   */
  static async begin(outDirectory: string, applicant: Applicant): Promise<EnrolmentDraft> {
    const out = await checkOut(outDirectory);
    const folder = draftOf(out);
    const left = await readRequest(folder);
    if (
      left !== null &&
      isOf(readEnrolmentRequest(left), applicant) &&
      (await readTpm(folder)) === applicant.tpm
    )
      return new EnrolmentDraft(folder, out, left, applicant.tpm);
    await rm(folder, { recursive: true, force: true });
    await ensureDirectory(folder);
    const wire = await makeKeys(folder, applicant);
    // Last: keys without a request are those of an attempt that was cut short.
    await writeFileAtomic(join(folder, REQUEST), wire, { mode: 0o600 });
    return new EnrolmentDraft(folder, out, wire, applicant.tpm);
  }

  /** Takes up what `begin` left. @throws BlindsightError ENROLMENT_PENDING where that is nothing, OUTPUT_EXISTS */
  static async resume(outDirectory: string): Promise<EnrolmentDraft> {
    const out = await checkOut(outDirectory);
    const wire = await readRequest(draftOf(out));
    if (wire === null) {
      throw new BlindsightError('ENROLMENT_PENDING', `no request was made for ${out}, or it is finished`);
    }
    return new EnrolmentDraft(draftOf(out), out, wire, await readTpm(draftOf(out)));
  }

  /** SHA-256 of the request in groups of four, for people who compare it at both ends. */
  get digest(): string {
    return enrolmentDigest(this.wire);
  }

  /**
   * Checks the site's answer and completes the folder.
   *
   * @param fingerprint of the authority, where an invitation named it
   * @returns the path of agent.yaml
   * @throws BlindsightError ENROLMENT_PENDING for the answer to another request, ENROLMENT_UNTRUSTED, ENROLMENT_CLOCK, ENROLMENT_INVALID
   */
  async finish(answer: EnrolmentAnswer, fingerprint: Uint8Array | null, nowMs: number): Promise<string> {
    const request = readEnrolmentRequest(this.wire);
    const key = await readSecretFile(join(this.#folder, FILES.tls));
    const own = isTpmKey(key)
      ? await tpmPublicKey(join(this.#folder, FILES.tls), this.#tpm ?? DEFAULT_TPM)
      : createPublicKey(createPrivateKey(key));
    checkAnswer(answer, request, { pem: key, own }, fingerprint, nowMs);
    const write = (file: string, text: string, mode: number) =>
      writeFileAtomic(join(this.#folder, file), text, { mode });
    await write('gateway.pem', answer.certificate, 0o644);
    await write('ca.pem', answer.ca, 0o644);
    await write('owner-key.pub.pem', answer.ownerKey, 0o644);
    if (answer.rootKey !== undefined) await write('root-key.pub.pem', answer.rootKey, 0o644);
    // It may come to hold the password of a camera.
    await write(
      'agent.yaml',
      agentSettings({ ...answer, tpm: this.#tpm }, '`blindsight agent enrol`'),
      0o600,
    );
    await rm(join(this.#folder, TPM), { force: true });
    await rm(join(this.#folder, REQUEST));
    if (existsSync(this.#out)) await rmdir(this.#out);
    await rename(this.#folder, this.#out);
    await syncFolder(dirname(this.#out));
    return join(this.#out, 'agent.yaml');
  }
}

const draftOf = (out: string): string => join(dirname(out), `.${basename(out)}.enrolling`);

async function checkOut(outDirectory: string): Promise<string> {
  const out = resolve(outDirectory);
  if (existsSync(out) && (await readdir(out)).length > 0) {
    throw new BlindsightError('OUTPUT_EXISTS', `${out} is not empty`);
  }
  return out;
}

async function readRequest(folder: string): Promise<Uint8Array | null> {
  const file = join(folder, REQUEST);
  return existsSync(file) ? new Uint8Array(await readSecretFile(file)) : null;
}

async function readTpm(folder: string): Promise<TpmAddress | undefined> {
  const file = join(folder, TPM);
  return existsSync(file) ? (await readSecretFile(file)).toString('utf8') : undefined;
}

function isOf(request: EnrolmentRequest, { site, gateway, secret }: Applicant): boolean {
  const same = (a: Uint8Array | null, b: Uint8Array | null) =>
    a === null || b === null ? a === b : Buffer.compare(a, b) === 0;
  return request.site === site && request.gateway === gateway && same(request.secret, secret);
}

async function makeKeys(folder: string, { site, gateway, secret, tpm }: Applicant): Promise<Uint8Array> {
  if (tpm !== undefined) await writeFileAtomic(join(folder, TPM), tpm, { mode: 0o600 });
  const certificateRequest = await makeTlsKey(join(folder, FILES.tls), gateway, tpm);
  const signing = generateKeyPairSync('ed25519');
  const sealing = generateKeyPairSync('x25519');
  for (const [role, { privateKey }] of Object.entries({ signing, sealing })) {
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
    await writeFileAtomic(join(folder, FILES[role as keyof typeof FILES]), pem, { mode: 0o600 });
  }
  return signEnrolmentRequest(
    {
      schema: 1,
      site,
      gateway,
      certificateRequest,
      signingKey: rawKey(signing.publicKey),
      sealingKey: rawKey(sealing.publicKey),
      secret,
    },
    signing.privateKey,
  );
}

/** Makes the key of the connection, and a request for a certificate of it. */
async function makeTlsKey(file: string, gateway: string, tpm: TpmAddress | undefined): Promise<Uint8Array> {
  if (tpm !== undefined) {
    await writeFileAtomic(file, await makeTpmKey(tpm), { mode: 0o600 });
    return tpmCertificateRequest(file, gateway, tpm);
  }
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  await writeFileAtomic(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  return makeCertificateRequest(gateway, privateKey);
}

function rawKey(publicKey: KeyObject): Uint8Array {
  return new Uint8Array(Buffer.from(publicKey.export({ format: 'jwk' }).x!, 'base64url'));
}

function checkAnswer(
  answer: EnrolmentAnswer,
  request: EnrolmentRequest,
  key: { readonly pem: Buffer; readonly own: KeyObject },
  fingerprint: Uint8Array | null,
  nowMs: number,
): void {
  const [authority] = parseCertificates(answer.ca);
  const isExpected =
    fingerprint === null ||
    (authority !== undefined &&
      createHash('sha256').update(authority.raw).digest().equals(Buffer.from(fingerprint)));
  if (!isExpected) {
    throw new BlindsightError(
      'ENROLMENT_UNTRUSTED',
      'the answer names another authority than the invitation',
    );
  }
  const [own] = parseCertificates(answer.certificate);
  const isOurs =
    own !== undefined &&
    answer.gateway === request.gateway &&
    (request.site === null || request.site === answer.site) &&
    commonName(own.subject) === request.gateway &&
    own.publicKey.equals(key.own);
  if (!isOurs) {
    throw new BlindsightError(
      'ENROLMENT_PENDING',
      `the answer is not to this request: it is for gateway ${answer.gateway} of ${answer.site}, with other keys or another name`,
    );
  }
  const misfit = findMisfit(
    { ca: answer.ca, certificate: answer.certificate, key: key.pem },
    { ca: 'the authority', certificate: 'the certificate', key: 'the key' },
  );
  if (misfit !== null)
    throw new BlindsightError('ENROLMENT_INVALID', `the answer does not fit together: ${misfit}`);
  const invalidity = findInvalidity(new X509Certificate(answer.certificate), nowMs);
  if (invalidity !== null) throw new BlindsightError('ENROLMENT_CLOCK', `the new certificate ${invalidity}`);
  for (const pem of [answer.ownerKey, answer.rootKey]) if (pem !== undefined) checkOwnerKey(pem);
}

function checkOwnerKey(pem: string): void {
  try {
    if (createPublicKey(pem).asymmetricKeyType === 'ed25519') return;
  } catch {
    // Reported below.
  }
  throw new BlindsightError('ENROLMENT_INVALID', 'the answer names no Ed25519 key of the owner');
}
