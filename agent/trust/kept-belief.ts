import type { KeyObject } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { LaidOutNumber } from '#runtime/laid-out-number.ts';
import { type Belief, type BelieveContext, believe } from './believe.ts';
import { TrustFile } from './trust-file.ts';

export type KeptBelief = { readonly belief: Belief; readonly wire: Uint8Array };

/** Below the data folder: where the message lies, and the numbers that are remembered apart from it. */
export function trustPaths(data: string) {
  const counters = join(data, 'counters');
  return {
    message: join(data, 'trust'),
    number: join(counters, 'timestamp'),
    version: join(counters, 'owner-keys'),
  };
}

/** The newest message on disk of which every signature holds; null where there is none, or one older than what is remembered apart from it. */
export async function keptBelief(
  data: string,
  context: BelieveContext,
  floors: { readonly number: number; readonly version: number },
  onTrouble: (message: string, error?: unknown) => void = () => {},
): Promise<KeptBelief | null> {
  let newest: KeptBelief | null = null;
  for (const kept of await new TrustFile(trustPaths(data).message).read()) {
    try {
      const belief = believe(kept.wire, { ...context, rootKey: context.rootKey ?? kept.rootKey });
      if (belief.timestamp.number > (newest?.belief.timestamp.number ?? 0))
        newest = { belief, wire: kept.wire };
    } catch (error) {
      onTrouble('what the site said about trust is damaged on this disk', error);
    }
  }
  if (newest === null) return null;
  const { timestamp, ownerKeys } = newest.belief;
  if (timestamp.number >= floors.number && (ownerKeys?.version ?? 0) >= floors.version) return newest;
  onTrouble('what lies on this disk about trust is older than what was believed before');
  return null;
}

/** The owner keys that count by what is on disk, for a program that only starts others: it changes nothing. */
export async function keptOwnerKeys(data: string, context: BelieveContext): Promise<readonly KeyObject[]> {
  const { number, version } = trustPaths(data);
  const floors = { number: await read(number), version: await read(version) };
  const listed = (await keptBelief(data, context, floors))?.belief.ownerKeys?.keys;
  return listed ?? (floors.version > 0 ? [] : [context.ownerKey]);
}

async function read(path: string): Promise<number> {
  return existsSync(path) ? (await LaidOutNumber.open(path, () => Promise.resolve(0))).value : 0;
}
