import { createPublicKey, type KeyObject } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { keptOwnerKeys } from '../trust/kept-belief.ts';

/** The settings that the launcher needs, and no other: a file for a later version of the gateway must not stop it. */
const Settings = z.object({
  site: z.string(),
  gateway: z.string(),
  data: z.string(),
  identity: z.object({ ownerKey: z.string(), rootKey: z.string().optional() }),
});

/** @throws Error where the file is not there, or says nothing about who it is, its data folder and owner key, or that folder is another user's */
export async function readSettings(path: string): Promise<{
  readonly folder: string;
  readonly ownerKeys: readonly KeyObject[];
}> {
  const { site, gateway, data, identity } = Settings.parse(parse(readFileSync(path, 'utf8')));
  const absolute = (file: string) => resolve(dirname(resolve(path)), file);
  const owner = statSync(absolute(data), { throwIfNoEntry: false })?.uid;
  // A start by hand as root must leave no files that the service cannot write any more.
  if (owner !== undefined && owner !== process.geteuid?.())
    throw new Error(`${absolute(data)} belongs to user ${owner}`);
  const keyOf = (file: string) => createPublicKey(readFileSync(absolute(file)));
  const ownerKey = keyOf(identity.ownerKey);
  const rootKey = identity.rootKey === undefined ? null : keyOf(identity.rootKey);
  return {
    folder: join(absolute(data), 'software'),
    ownerKeys: await keptOwnerKeys(absolute(data), { site, gateway, rootKey, ownerKey }),
  };
}
