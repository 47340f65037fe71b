import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { INSTALLED } from '#backend/installation/places.ts';

/** Installed on the system, with `blindsight` on the PATH; otherwise this is a clone. */
export const isInstalled = existsSync(join(import.meta.dirname, '..', 'bin', 'blindsight'));

/** The folder of the site where none is named. */
export const SITE_FOLDER = isInstalled ? INSTALLED.backend : './data';

/** The option that names a site's folder, for commander. */
export const SITE_OPTION = ['--data <dir>', 'folder of the site', SITE_FOLDER] as const;
