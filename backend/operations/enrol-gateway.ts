import { generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, rename, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { agentSettings } from '#config/agent-settings.ts';
import { BlindsightError } from '#protocol/errors.ts';
import { GatewayName } from '#protocol/names.ts';
import { type Clock, systemClock } from '#runtime/clock.ts';
import { ensureDirectory, syncFolder, writeFileAtomic } from '#runtime/files.ts';
import {
  BROKER_CERTIFICATE_FILE,
  brokerHosts,
  covers,
  parseBrokerUrl,
  readBrokerCertificate,
} from '../enrolment/broker-certificate.ts';
import { openAuthority } from '../enrolment/open-authority.ts';
import { rootPublicKey } from '../owner-keys/root-key.ts';
import type { Site } from '../site.ts';
import { ownerPublicKey } from './initialize-site.ts';

export type EnrolGatewayOptions = {
  readonly site: Site;
  readonly name: string;
  /** A folder that does not exist, or is empty. */
  readonly outDirectory: string;
  /** mqtts://host:port as the gateway reaches the broker. */
  readonly brokerUrl: string;
  readonly clock?: Clock;
};

const privatePem = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }) as string;
const publicPem = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }) as string;

/**
 * Enrols a gateway: its certificate and keys are made here and go into a package for it; the site keeps the public halves.
 * The package becomes visible under its name only when it is complete and the gateway is known.
 *
 * @returns the configuration file inside the package.
 * @throws BlindsightError NAME_INVALID, GATEWAY_EXISTS, OUTPUT_EXISTS, BROKER_ADDRESS where the gateway could not connect to this broker.
 */
export async function enrolGateway(options: EnrolGatewayOptions): Promise<{ readonly configFile: string }> {
  const { site, name, clock = systemClock } = options;
  const out = resolve(options.outDirectory);
  if (!GatewayName.safeParse(name).success) {
    throw new BlindsightError('NAME_INVALID', `"${name}" cannot be the name of a gateway`);
  }
  if ((await site.store.gateways.get(name)) !== null) {
    throw new BlindsightError('GATEWAY_EXISTS', `a gateway ${name} is already enrolled`);
  }
  await checkBroker(site, options.brokerUrl);
  if (existsSync(out) && (await readdir(out)).length > 0) {
    throw new BlindsightError('OUTPUT_EXISTS', `${out} is not empty`);
  }
  const draft = join(dirname(out), `.${basename(out)}.draft`);
  await rm(draft, { recursive: true, force: true });
  try {
    const { signingKey, sealingKey, certificate } = await writePackage(options, draft);
    const issued = new X509Certificate(certificate);
    const nowMs = clock.now();
    await site.store.transaction(async (store) => {
      const added = await store.gateways.add({
        name,
        signingKey,
        sealingKey,
        certificateSerial: issued.serialNumber,
        certificateEndMs: issued.validToDate.getTime(),
        enrolledMs: nowMs,
      });
      // Known to nobody above, but in the store: one that was removed.
      if (!added) throw new BlindsightError('GATEWAY_EXISTS', `a gateway ${name} was enrolled before`);
      await store.journal.add({
        timeMs: nowMs,
        level: 'info',
        code: 'GATEWAY_ENROLLED',
        subject: name,
        message: `gateway ${name} was enrolled`,
      });
    });
    if (existsSync(out)) await rmdir(out);
    await rename(draft, out);
    await syncFolder(dirname(out));
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw error;
  }
  return { configFile: join(out, 'agent.yaml') };
}

/** Better found here than on a mast at midnight: a gateway that would reject the broker's certificate. */
async function checkBroker({ brokerDirectory }: Site, brokerUrl: string): Promise<void> {
  const { host } = parseBrokerUrl(brokerUrl);
  // A site that works with a broker elsewhere may have given the certificate away.
  if (!existsSync(join(brokerDirectory, BROKER_CERTIFICATE_FILE))) return;
  const certificate = await readBrokerCertificate(brokerDirectory);
  if (covers(certificate, host)) return;
  throw new BlindsightError(
    'BROKER_ADDRESS',
    `no gateway could connect to ${brokerUrl}: the certificate of the broker covers ${brokerHosts(certificate).join(', ')}, not ${host}. ` +
      `Add it, then enrol: \`blindsight site broker-host ${host}\``,
  );
}

async function writePackage(
  { site, name, brokerUrl }: EnrolGatewayOptions,
  folder: string,
): Promise<{ readonly signingKey: string; readonly sealingKey: string; readonly certificate: string }> {
  const authority = await openAuthority(site.store, site.vault);
  const issued = await authority.issue({
    kind: 'gateway',
    commonName: name,
    days: site.gatewayCertificateDays,
  });
  const signing = generateKeyPairSync('ed25519');
  const sealing = generateKeyPairSync('x25519');
  await ensureDirectory(folder);
  const write = (file: string, text: string, mode = 0o644) =>
    writeFileAtomic(join(folder, file), text, { mode });
  await write('gateway.key', issued.key, 0o600);
  await write('signing.key', privatePem(signing.privateKey), 0o600);
  await write('sealing.key', privatePem(sealing.privateKey), 0o600);
  await write('gateway.pem', issued.certificate);
  await write('ca.pem', authority.certificate);
  await write('owner-key.pub.pem', await ownerPublicKey(site.store, site.vault));
  const root = await rootPublicKey(site.store);
  const rootKey = root === null ? undefined : publicPem(root);
  if (rootKey !== undefined) await write('root-key.pub.pem', rootKey);
  // It may come to hold the password of a camera.
  await write(
    'agent.yaml',
    agentSettings({ site: site.name, gateway: name, brokerUrl, rootKey }, '`blindsight gateway enrol`'),
    0o600,
  );
  return {
    signingKey: publicPem(signing.publicKey),
    sealingKey: publicPem(sealing.publicKey),
    certificate: issued.certificate,
  };
}
