import type { Command } from 'commander';
import { registerSiteAdopt } from './site-adopt.ts';
import { registerSiteBackup } from './site-backup.ts';
import { registerSiteBrokerHost } from './site-broker-host.ts';
import { registerSiteInit } from './site-init.ts';
import { registerSiteRenew } from './site-renew.ts';
import { registerSiteRestore } from './site-restore.ts';

/** `blindsight site init|backup|restore|adopt|broker-host|renew`. */
export function registerSite(program: Command): void {
  const site = program.command('site').description('make a site, back it up, name its broker');
  registerSiteInit(site);
  registerSiteBackup(site);
  registerSiteRestore(site);
  registerSiteAdopt(site);
  registerSiteBrokerHost(site);
  registerSiteRenew(site);
}
