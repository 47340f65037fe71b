import { readFileSync } from 'node:fs';
import { join } from 'node:path';

type Package = { readonly version: string };

/** Version of this installation. */
export const { version } = JSON.parse(
  readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8'),
) as Package;
