// Where things are. Plain ECMAScript without packages: it runs before anything is installed, on Node 20 or later.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository (or installation) that this file belongs to. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Stamps of finished set-up steps. They go away together with node_modules, and are then made again. */
export const stamps = join(root, 'node_modules', '.cache', 'blindsight');
