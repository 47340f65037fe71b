import type { Command } from 'commander';
import { registerSiteOwnerKeyList } from './site-owner-key-list.ts';
import { registerSiteOwnerKeyRetire } from './site-owner-key-retire.ts';
import { registerSiteOwnerKeyRotate } from './site-owner-key-rotate.ts';

/** `blindsight site owner-key list|rotate|retire`. */
export function registerSiteOwnerKey(site: Command): void {
  const ownerKey = site
    .command('owner-key')
    .description('the keys that sign what gateways run: list, replace, retire them');
  registerSiteOwnerKeyList(ownerKey);
  registerSiteOwnerKeyRotate(ownerKey);
  registerSiteOwnerKeyRetire(ownerKey);
}
