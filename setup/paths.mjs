// Where things are. Plain ECMAScript without packages: it runs before anything is installed, on Node 20 or later.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository (or installation) that this file belongs to. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Stamps of finished set-up steps. They go away together with node_modules, and are then made again. */
export const stamps = join(root, 'node_modules', '.cache', 'blindsight');

/**
 * Where Node keeps what it made of the sources ($NODE_COMPILE_CACHE): a command then starts in less than half of the processor time. It is trusted like the sources:
 * whoever may write here may write those, too.
 */
export const compiled = join(stamps, 'compiled');
