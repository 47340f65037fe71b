import type { Command } from 'commander';
import { registerSiteAdopt } from './site-adopt.ts';
import { registerSiteBackup } from './site-backup.ts';
import { registerSiteBrokerHost } from './site-broker-host.ts';
import { registerSiteCertificates } from './site-certificates.ts';
import { registerSiteInit } from './site-init.ts';
import { registerSiteIssue } from './site-issue.ts';
import { registerSiteOwnerKey } from './site-owner-key.ts';
import { registerSiteRenew } from './site-renew.ts';
import { registerSiteRestore } from './site-restore.ts';
import { registerSiteRevoke } from './site-revoke.ts';
import { registerSiteRootKey } from './site-root-key.ts';

/** `blindsight site init|backup|restore|adopt|broker-host|renew|certificates|revoke|issue|owner-key|root-key`. */
export function registerSite(program: Command): void {
  const site = program
    .command('site')
    .description('make a site, back it up, name its broker, look after its certificates');
  registerSiteInit(site);
  registerSiteBackup(site);
  registerSiteRestore(site);
  registerSiteAdopt(site);
  registerSiteBrokerHost(site);
  registerSiteRenew(site);
  registerSiteCertificates(site);
  registerSiteRevoke(site);
  registerSiteIssue(site);
  registerSiteOwnerKey(site);
  registerSiteRootKey(site);
}
