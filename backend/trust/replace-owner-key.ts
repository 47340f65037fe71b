import { createPublicKey, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { BlindsightError } from '#protocol/errors.ts';
import { publicKeyBytes, publicKeyId } from '#protocol/public-key.ts';
import { type Clock, systemClock } from '#runtime/clock.ts';
import { writeFileAtomic } from '#runtime/files.ts';
import { repeatConfigurations } from '../configuration/push-configuration.ts';
import { repeatDeployments } from '../operations/deploy-model.ts';
import { openOwnerKey, replaceOwnerKey } from '../owner-keys/owner-key.ts';
import { keepOwnerKeyList, type OwnerKeyList, ownerKeyList } from '../owner-keys/owner-key-list.ts';
import {
  checkFree,
  introduceRootKey,
  keepRootKey,
  makeRootKey,
  readRootKey,
  rootPublicKey,
} from '../owner-keys/root-key.ts';
import type { Site } from '../site.ts';
import { repeatSoftware } from '../software/release-software.ts';
import type { Store } from '../store/store.ts';

export type ReplaceOptions = {
  readonly site: Site;
  /** The root's private key, brought for this moment. */
  readonly rootKeyFile: string;
  /** Nothing that the key of before signed counts any more, at once: it is in wrong hands. */
  readonly stolen?: boolean;
  /** Largest message that the broker takes. */
  readonly maxMessageBytes?: number;
  readonly clock?: Clock;
};

export type Replaced = OwnerKeyList & {
  readonly id: string;
  /** Networks that could not be signed anew, with the reason. */
  readonly notReleased: readonly string[];
};

/**
 * Makes another owner key, lets the root say that it counts, and signs with it what gateways run. The private half of the key before is gone
 * then; what it signed counts on until it is retired, or not at all where it was stolen. A run that was cut short can be repeated.
 *
 * @throws BlindsightError ROOT_KEY_MISSING, ROOT_KEY_INVALID, FILE_UNREADABLE, SECRET_EXPOSED; nothing changes then
 */
export async function replaceKey(options: ReplaceOptions): Promise<Replaced> {
  const { site, rootKeyFile, stolen = false, clock = systemClock } = options;
  const rootKey = await readRootKey(site.store, rootKeyFile);
  const nowMs = clock.now();
  const made = await site.store.transaction(async (store) => {
    const before = (await ownerKeyList(store))?.statement.keys ?? [];
    const publicKey = await replaceOwnerKey(store, site.vault, nowMs);
    const own = publicKeyBytes(publicKey);
    const list = await keepOwnerKeyList(store, site.name, [own, ...(stolen ? [] : before)], rootKey, nowMs);
    const words = stolen ? 'everything that keys of before signed is void' : 'keys of before count on';
    await say(store, site.name, nowMs, `owner key ${publicKeyId(own)} signs from now on; ${words}`);
    return { list, publicKey };
  });
  await writePublicKey(site, made.publicKey);
  const notReleased = await signAnew(options, clock);
  return { ...made.list, id: publicKeyId(publicKeyBytes(made.publicKey)), notReleased };
}

/**
 * Takes an owner key off the list: nothing that it signed counts any more.
 *
 * @throws BlindsightError OWNER_KEY_NOT_FOUND, also for the key that signs; OWNER_KEY_IN_USE unless `now`; and as {@link replaceKey}
 */
export async function retireKey(
  options: Omit<ReplaceOptions, 'stolen'> & { readonly id: string; readonly now?: boolean },
): Promise<OwnerKeyList> {
  const { site, rootKeyFile, id, now = false, clock = systemClock } = options;
  const rootKey = await readRootKey(site.store, rootKeyFile);
  const signing = publicKeyId(publicKeyBytes(createPublicKey(await openOwnerKey(site.store, site.vault))));
  return site.store.transaction(async (store) => {
    const keys = (await ownerKeyList(store))?.statement.keys ?? [];
    const left = keys.filter((key) => publicKeyId(key) !== id);
    if (id === signing || left.length === keys.length)
      throw new BlindsightError(
        'OWNER_KEY_NOT_FOUND',
        id === signing
          ? `${id} is the key that signs; make another one first`
          : `there is no owner key ${id}`,
      );
    const behind = now ? [] : await gatewaysBehind(store);
    if (behind.length > 0)
      throw new BlindsightError(
        'OWNER_KEY_IN_USE',
        `not every gateway has taken over what was signed anew: ${behind.join(', ')}`,
      );
    const list = await keepOwnerKeyList(store, site.name, left, rootKey, clock.now());
    await say(
      store,
      site.name,
      clock.now(),
      `owner key ${id} is retired; nothing that it signed counts any more`,
    );
    return list;
  });
}

/**
 * Gives a site that was made before there were root keys one. Its gateways learn it by the word of the owner key that they know.
 *
 * @param file where the root's private key is written; the owner takes it away
 * @throws BlindsightError ROOT_KEY_EXISTS, OUTPUT_EXISTS
 */
export async function introduceRoot(
  site: Site,
  file: string,
  clock: Clock = systemClock,
): Promise<OwnerKeyList> {
  const { store, vault, name } = site;
  if ((await rootPublicKey(store)) !== null)
    throw new BlindsightError('ROOT_KEY_EXISTS', `site ${name} has a root key`);
  checkFree(file);
  // First: a root whose private half nobody has would be worse than none.
  const rootKey = await makeRootKey(file);
  return store.transaction(async (inside) => {
    if ((await rootPublicKey(inside)) !== null)
      throw new BlindsightError('ROOT_KEY_EXISTS', `site ${name} has a root key`);
    const own = publicKeyBytes(createPublicKey(await openOwnerKey(inside, vault)));
    await keepRootKey(inside, rootKey);
    await introduceRootKey(inside, vault, name, rootKey);
    await say(inside, name, clock.now(), 'the site has a root key now, which says which owner keys count');
    return keepOwnerKeyList(inside, name, [own], rootKey, clock.now());
  });
}

/** Gateways that may still run something that only keys of before have signed. */
async function gatewaysBehind(store: Store): Promise<string[]> {
  const behind = new Set<string>();
  for (const { gateway, status } of await store.deployments.current())
    if (status !== 'active') behind.add(gateway);
  for (const { gateway, status } of await store.configurations.current())
    if (status !== 'applied') behind.add(gateway);
  return [...behind].sort();
}

async function signAnew({ site, maxMessageBytes }: ReplaceOptions, clock: Clock): Promise<string[]> {
  const bound = maxMessageBytes === undefined ? {} : { maxMessageBytes };
  const notReleased = await repeatDeployments({ site, ...bound, clock });
  await repeatConfigurations(site, clock);
  return [...notReleased, ...(await repeatSoftware(site, clock))];
}

async function writePublicKey({ dataDirectory }: Site, key: KeyObject): Promise<void> {
  const pem = key.export({ type: 'spki', format: 'pem' }) as string;
  await writeFileAtomic(join(dataDirectory, 'owner-key.pub.pem'), pem);
}

function say(store: Store, subject: string, timeMs: number, message: string): Promise<void> {
  return store.journal.add({ timeMs, level: 'warn', code: 'OWNER_KEYS_CHANGED', subject, message });
}
