import { join } from 'node:path';
import type { BackendConfig } from '#config/schema.ts';
import { BlindsightError } from '#protocol/errors.ts';
import { readInstallationKey } from './sealing/installation-key.ts';
import { Vault } from './sealing/vault.ts';
import { BlobFolder } from './store/blob-folder.ts';
import { openStore } from './store/open.ts';
import type { OutsideInbox } from './store/outside-inbox.ts';
import type { Store } from './store/store.ts';
import type { StoreTrouble } from './store/store-trouble.ts';

/** An open site: what the daemon and every operation of the command line work with. */
export type Site = {
  readonly name: string;
  readonly dataDirectory: string;
  /** How long a certificate of a gateway is valid. */
  readonly gatewayCertificateDays: number;
  /** What is written for the broker: `broker.yaml`, its certificate, removed gateways. On an installed site only this is open to the broker's user. */
  readonly brokerDirectory: string;
  readonly store: Store;
  readonly vault: Vault;
  /** Bundle parts by digest. */
  readonly blobs: BlobFolder;
  close(): Promise<void>;
};

/** Setting of the store under which the site's name is kept. */
export const SITE_NAME = 'site';
/** Setting of the store that numbers the backend's connections. */
export const BACKEND_SESSION = 'backend-session';
/** Setting of the store: the authority's certificate, PEM. */
export const AUTHORITY_CERTIFICATE = 'authority-certificate';

/** Below the data folder of a site. */
export function blobFolder(dataDirectory: string): BlobFolder {
  return new BlobFolder(join(dataDirectory, 'bundles'));
}

/**
 * Opens a site that `initializeSite` made. Daemon and command line may have it open at once.
 *
 * @param onTrouble hears of each failure that the store is the cause of
 * @param outside the inbox, where it is not in the store
 * @throws BlindsightError STORE_UNAVAILABLE, STORE_TOO_NEW, INSTALLATION_KEY_INVALID, SITE_MISSING.
 */
export async function openSite(
  config: BackendConfig,
  onTrouble?: (trouble: StoreTrouble) => void,
  outside: OutsideInbox | null = null,
): Promise<Site> {
  const vault = new Vault(await readInstallationKey(config.installationKey));
  const store = await openStore(config.store, onTrouble, outside);
  try {
    const name = await store.settings.get(SITE_NAME);
    if (name !== config.site) {
      throw new BlindsightError(
        'SITE_MISSING',
        name === null
          ? 'the store holds no site'
          : `the store holds the site ${name}, the configuration says ${config.site}`,
      );
    }
    await vault.verify(store);
  } catch (error) {
    await store.close();
    throw error;
  }
  return {
    name: config.site,
    dataDirectory: config.data,
    gatewayCertificateDays: config.certificates.gatewayDays,
    brokerDirectory: config.brokerFolder ?? config.data,
    store,
    vault,
    blobs: blobFolder(config.data),
    close: () => store.close(),
  };
}
