import { INSTALLED } from '#backend/installation/places.ts';
import { isInstalled } from './installed.ts';

/** The folder of the site where none is named. */
export const SITE_FOLDER = isInstalled ? INSTALLED.backend : './data';

/** The option that names a site's folder, for commander. */
export const SITE_OPTION = ['--data <dir>', 'folder of the site', SITE_FOLDER] as const;
