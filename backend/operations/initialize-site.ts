import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import type { BackendConfig } from '#config/schema.ts';
import { BlindsightError } from '#protocol/errors.ts';
import { Name } from '#protocol/names.ts';
import { publicKeyBytes } from '#protocol/public-key.ts';
import { type Clock, systemClock } from '#runtime/clock.ts';
import { ensureDirectory, readSecretFile, writeFileAtomic } from '#runtime/files.ts';
import { type Authority, checkHosts, createAuthority } from '../enrolment/authority.ts';
import { listenAddress } from '../enrolment/broker-certificate.ts';
import { openAuthority } from '../enrolment/open-authority.ts';
import { writeRevocations } from '../enrolment/write-revocations.ts';
import { openOwnerKey } from '../owner-keys/owner-key.ts';
import { keepOwnerKeyList } from '../owner-keys/owner-key-list.ts';
import { keepRootKey, makeRootKey, ROOT_KEY_FILE } from '../owner-keys/root-key.ts';
import { SECRETS } from '../sealing/identities.ts';
import { createInstallationKey, readInstallationKey } from '../sealing/installation-key.ts';
import { Vault } from '../sealing/vault.ts';
import { AUTHORITY_CERTIFICATE, SITE_NAME } from '../site.ts';
import { openStore } from '../store/open.ts';
import type { Store } from '../store/store.ts';

export type InitializeSiteOptions = {
  readonly brokerPort?: number;
  readonly apiPort?: number;
  /** Where gateways are enrolled over the network; nowhere if left out. */
  readonly enrolmentPort?: number;
  /** Host names and addresses under which gateways elsewhere reach the broker; localhost is always one. */
  readonly brokerNames?: readonly string[];
  /** A file (0600) with the postgresql:// URL of a database for the store; SQLite in the folder where left out. */
  readonly postgresqlUrlFile?: string;
  readonly clock?: Clock;
};

export type InitializedSite = {
  readonly configFile: string;
  readonly brokerConfigFile: string;
  /** The private half of the root key, for the owner to take away. */
  readonly rootKeyFile: string;
};

/** In the folder of a site: the store, or where it is. */
export const STORE_FILE = 'blindsight.db';
export const POSTGRESQL_URL_FILE = 'postgresql.url';

/** Certificates of the site's own daemons; initializing again after the folder was removed renews them. */
export const CERTIFICATE_DAYS = 5 * 365;

/**
 * Makes a site in a folder: installation key, store, authority, root key, owner key, certificates of broker and backend, and the configuration of
 * both. A run that was cut short can be repeated: `backend.yaml` comes last, and keys that exist are kept.
 *
 * @throws BlindsightError SITE_EXISTS, NAME_INVALID, CERTIFICATE_INVALID, STORE_UNAVAILABLE, and SECRET_EXPOSED, FILE_UNREADABLE for the URL.
 */
export async function initializeSite(
  dataDirectory: string,
  site: string,
  options: InitializeSiteOptions = {},
): Promise<InitializedSite> {
  const folder = resolve(dataDirectory);
  const configFile = join(folder, 'backend.yaml');
  const brokerConfigFile = join(folder, 'broker.yaml');
  if (!Name.safeParse(site).success) {
    throw new BlindsightError('NAME_INVALID', `"${site}" cannot be the name of a site`);
  }
  checkHosts(options.brokerNames ?? []);
  if (existsSync(configFile)) throw new BlindsightError('SITE_EXISTS', `${folder} already holds a site`);
  await ensureDirectory(folder);
  const storeConfig = await prepareStore(folder, options);
  const rootKeyFile = join(folder, ROOT_KEY_FILE);
  const keyFile = join(folder, 'installation.key');
  if (!existsSync(keyFile)) await createInstallationKey(keyFile);
  const vault = new Vault(await readInstallationKey(keyFile));
  const store = await openStore(storeConfig);
  try {
    const nowMs = (options.clock ?? systemClock).now();
    await makeKeys(store, vault, site, { nowMs, rootKeyFile });
    await writeOwnerKey(store, vault, folder);
    await writeCertificates(await openAuthority(store, vault), folder, options.brokerNames ?? []);
    // Also while nobody is revoked: a Mosquitto that is told to read a list does not start without one.
    await writeRevocations({ store, vault, brokerDirectory: folder }, nowMs);
  } finally {
    await store.close();
  }
  await writeFileAtomic(brokerConfigFile, brokerConfig(site, options), { mode: 0o600 });
  await writeFileAtomic(configFile, backendConfig(site, options), { mode: 0o600 });
  return { configFile, brokerConfigFile, rootKeyFile };
}

/** The URL is copied into the folder, so that the folder holds all that the daemons need. */
async function prepareStore(
  folder: string,
  { postgresqlUrlFile }: InitializeSiteOptions,
): Promise<BackendConfig['store']> {
  if (postgresqlUrlFile === undefined) return { kind: 'sqlite', file: join(folder, STORE_FILE) };
  const url = await readSecretFile(postgresqlUrlFile);
  const urlFile = join(folder, POSTGRESQL_URL_FILE);
  await writeFileAtomic(urlFile, url, { mode: 0o600 });
  return { kind: 'postgresql', urlFile };
}

async function makeKeys(
  store: Store,
  vault: Vault,
  site: string,
  { nowMs, rootKeyFile }: { readonly nowMs: number; readonly rootKeyFile: string },
): Promise<void> {
  const known = await store.settings.get(SITE_NAME);
  if (known === site) return vault.verify(store);
  if (known !== null) {
    throw new BlindsightError('SITE_EXISTS', `the store already holds the site ${known}`);
  }
  // First: a root whose private half nobody has would be worse than none.
  const rootKey = await makeRootKey(rootKeyFile);
  const authority = await createAuthority(`Blindsight ${site}`);
  const owner = generateKeyPairSync('ed25519', {
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  await store.transaction(async (inside) => {
    await vault.mark(inside, nowMs);
    await vault.keep(inside, SECRETS.authorityKey, Buffer.from(authority.key), nowMs);
    await vault.keep(inside, SECRETS.ownerSigningKey, Buffer.from(owner.privateKey), nowMs);
    await inside.settings.set(AUTHORITY_CERTIFICATE, authority.certificate);
    await keepRootKey(inside, rootKey);
    const own = publicKeyBytes(createPublicKey(owner.privateKey));
    await keepOwnerKeyList(inside, site, [own], rootKey, nowMs);
    await inside.settings.set(SITE_NAME, site);
  });
}

/** PEM of the public half of the key that signs manifests. */
export async function ownerPublicKey(store: Store, vault: Vault): Promise<string> {
  const key = createPublicKey(await openOwnerKey(store, vault));
  return key.export({ type: 'spki', format: 'pem' }) as string;
}

async function writeOwnerKey(store: Store, vault: Vault, folder: string): Promise<void> {
  await writeFileAtomic(join(folder, 'owner-key.pub.pem'), await ownerPublicKey(store, vault));
}

async function writeCertificates(
  authority: Authority,
  folder: string,
  brokerNames: readonly string[],
): Promise<void> {
  const certificates = join(folder, 'certificates');
  await ensureDirectory(certificates);
  await writeFileAtomic(join(certificates, 'ca.pem'), authority.certificate);
  for (const kind of ['broker', 'backend'] as const) {
    const issued = await authority.issue({
      kind,
      commonName: kind,
      days: CERTIFICATE_DAYS,
      ...(kind === 'broker' ? { subjectAltNames: brokerNames } : {}),
    });
    await writeFileAtomic(join(certificates, `${kind}.key`), issued.key, { mode: 0o600 });
    await writeFileAtomic(join(certificates, `${kind}.pem`), issued.certificate);
  }
}

function backendConfig(
  site: string,
  { brokerPort = 8883, apiPort = 8480, enrolmentPort, postgresqlUrlFile }: InitializeSiteOptions,
): string {
  const comment =
    ' Made by `blindsight site init`. Every setting is explained in config/backend.example.yaml.\n';
  return `#${comment}${stringify({
    site,
    data: '.',
    broker: {
      url: `mqtts://localhost:${brokerPort}`,
      ca: 'certificates/ca.pem',
      certificate: 'certificates/backend.pem',
      key: 'certificates/backend.key',
    },
    store:
      postgresqlUrlFile === undefined
        ? { kind: 'sqlite', file: STORE_FILE }
        : { kind: 'postgresql', urlFile: POSTGRESQL_URL_FILE },
    installationKey: 'installation.key',
    api: { host: '127.0.0.1', port: apiPort },
    ...(enrolmentPort !== undefined && { enrolment: { port: enrolmentPort } }),
  })}`;
}

function brokerConfig(site: string, { brokerPort = 8883, brokerNames = [] }: InitializeSiteOptions): string {
  const comment =
    ' Made by `blindsight site init`. Every setting is explained in config/broker.example.yaml.\n';
  return `#${comment}${stringify({
    site,
    host: listenAddress(brokerNames),
    port: brokerPort,
    data: 'broker',
    ca: 'certificates/ca.pem',
    certificate: 'certificates/broker.pem',
    key: 'certificates/broker.key',
  })}`;
}
