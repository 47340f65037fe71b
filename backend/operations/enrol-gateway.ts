import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, rename, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { BlindsightError } from '#protocol/errors.ts';
import { GatewayName } from '#protocol/names.ts';
import { type Clock, systemClock } from '#runtime/clock.ts';
import { ensureDirectory, syncFolder, writeFileAtomic } from '#runtime/files.ts';
import { openAuthority } from '../enrolment/open-authority.ts';
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

const CERTIFICATE_DAYS = 5 * 365;

/**
 * Enrols a gateway: its certificate and signing key are made here and go into a package for it; the site keeps the public halves.
 * The package becomes visible under its name only when it is whole and the gateway is known.
 *
 * @returns the configuration file inside the package.
 * @throws BlindsightError NAME_INVALID, GATEWAY_EXISTS, OUTPUT_EXISTS.
 */
export async function enrolGateway(options: EnrolGatewayOptions): Promise<{ readonly configFile: string }> {
  const { site, name, clock = systemClock } = options;
  const out = resolve(options.outDirectory);
  if (!GatewayName.safeParse(name).success) {
    throw new BlindsightError('NAME_INVALID', `"${name}" cannot be the name of a gateway`);
  }
  if ((await site.store.gateways.get(name)) !== null) {
    throw new BlindsightError('GATEWAY_EXISTS', `a gateway ${name} is enrolled already`);
  }
  if (existsSync(out) && (await readdir(out)).length > 0) {
    throw new BlindsightError('OUTPUT_EXISTS', `${out} is not empty`);
  }
  const draft = join(dirname(out), `.${basename(out)}.draft`);
  await rm(draft, { recursive: true, force: true });
  try {
    const { signingKey, certificate } = await writePackage(options, draft);
    const nowMs = clock.now();
    await site.store.transaction(async (store) => {
      const added = await store.gateways.add({
        name,
        signingKey,
        certificateSerial: new X509Certificate(certificate).serialNumber,
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

async function writePackage(
  { site, name, brokerUrl }: EnrolGatewayOptions,
  folder: string,
): Promise<{ readonly signingKey: string; readonly certificate: string }> {
  const authority = await openAuthority(site.store, site.vault);
  const issued = await authority.issue({ kind: 'gateway', commonName: name, days: CERTIFICATE_DAYS });
  const signing = generateKeyPairSync('ed25519', {
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  await ensureDirectory(folder);
  const write = (file: string, text: string, mode = 0o644) =>
    writeFileAtomic(join(folder, file), text, { mode });
  await write('gateway.key', issued.key, 0o600);
  await write('signing.key', signing.privateKey, 0o600);
  await write('gateway.pem', issued.certificate);
  await write('ca.pem', authority.certificate);
  await write('owner-key.pub.pem', await ownerPublicKey(site.store, site.vault));
  // It may come to hold the password of a camera.
  await write('agent.yaml', agentConfig(site.name, name, brokerUrl), 0o600);
  return { signingKey: signing.publicKey, certificate: issued.certificate };
}

function agentConfig(site: string, gateway: string, brokerUrl: string): string {
  const comment =
    '# Made by `blindsight gateway enrol`. Every setting is explained in config/agent.example.yaml.\n' +
    '# What remains to be done is the list of cameras, for example:\n' +
    '#   cameras:\n#     - name: door\n#       url: rtsp://10.0.0.21:554/stream1\n#       credentials: door.credentials\n';
  return `${comment}${stringify({
    site,
    gateway,
    data: 'data',
    broker: { url: brokerUrl, ca: 'ca.pem', certificate: 'gateway.pem', key: 'gateway.key' },
    identity: { signingKey: 'signing.key', ownerKey: 'owner-key.pub.pem' },
    cameras: [],
  })}`;
}
