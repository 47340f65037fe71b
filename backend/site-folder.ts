import { accessSync, constants, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { openSite, type Site } from '#backend/site.ts';
import { loadConfig } from '#config/load.ts';
import { BackendConfig } from '#config/schema.ts';
import { BlindsightError } from '#protocol/errors.ts';
import { wrongUser } from '#runtime/wrong-user.ts';

/** Files of a site's folder that the command line names. */
export function siteFiles(data: string) {
  const folder = resolve(data);
  return {
    folder,
    backendConfig: join(folder, 'backend.yaml'),
    brokerConfig: join(folder, 'broker.yaml'),
  };
}

/** Before anything is read, so that who calls as root is sent to the right user and not from one file to the next. */
function checkOwner(folder: string, backendConfig: string): void {
  try {
    const owner = statSync(backendConfig).uid;
    if (owner === process.geteuid?.()) return;
    accessSync(backendConfig, constants.R_OK);
    // What root owns, others may be allowed to read.
    if (owner !== 0) throw wrongUser(folder, owner);
  } catch (error) {
    if (error instanceof BlindsightError) throw error;
    if ((error as NodeJS.ErrnoException).code === 'EACCES') throw wrongUser(folder, ownerOfNearest(folder));
    throw new BlindsightError('SITE_MISSING', `${folder} does not hold a site`);
  }
}

/** The owner of a folder, or of the folder around it that can be looked at. */
function ownerOfNearest(folder: string): number {
  try {
    return statSync(folder).uid;
  } catch {
    return folder === dirname(folder) ? 0 : ownerOfNearest(dirname(folder));
  }
}

/**
 * Opens the site of a folder, lets `work` use it, and closes it.
 *
 * @throws BlindsightError SITE_MISSING where the folder holds none, WRONG_USER where it is another's, and what opening or `work` throw
 */
export async function withSite<T>(
  data: string,
  work: (site: Site, config: BackendConfig) => Promise<T>,
): Promise<T> {
  const { folder, backendConfig } = siteFiles(data);
  checkOwner(folder, backendConfig);
  const config = await loadConfig(backendConfig, BackendConfig);
  const site = await openSite(config);
  try {
    return await work(site, config);
  } finally {
    await site.close();
  }
}
