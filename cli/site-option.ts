/** The option that names a site's folder, for commander. */
export const SITE_OPTION = ['--data <dir>', 'folder of the site', './data'] as const;
