import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { openSite, type Site } from '#backend/site.ts';
import { loadConfig } from '#config/load.ts';
import { BackendConfig } from '#config/schema.ts';
import { BlindsightError } from '#protocol/errors.ts';

/** Files of a site's folder that the command line names. */
export function siteFiles(data: string) {
  const folder = resolve(data);
  return {
    folder,
    backendConfig: join(folder, 'backend.yaml'),
    brokerConfig: join(folder, 'broker.yaml'),
  };
}

/**
 * Opens the site of a folder, lets `work` use it, and closes it.
 *
 * @throws BlindsightError SITE_MISSING where the folder holds none, and what opening or `work` throw
 */
export async function withSite<T>(
  data: string,
  work: (site: Site, config: BackendConfig) => Promise<T>,
): Promise<T> {
  const { folder, backendConfig } = siteFiles(data);
  if (!existsSync(backendConfig)) throw new BlindsightError('SITE_MISSING', `${folder} holds no site`);
  const config = await loadConfig(backendConfig, BackendConfig);
  const site = await openSite(config);
  try {
    return await work(site, config);
  } finally {
    await site.close();
  }
}
