import type { Command } from 'commander';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

/** `blindsight site renew`. */
export function registerSiteRenew(site: Command): void {
  site
    .command('renew')
    .description('renew the certificates of broker and backend before they expire; gateways need no change')
    .option('--new-keys', 'with new keys, for keys that somebody may have copied')
    .option(...SITE_OPTION)
    .action(({ data, newKeys = false }: { data: string; newKeys?: boolean }) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { renewCertificates } = await import('#backend/operations/renew-certificates.ts');
        for (const { owner, endMs } of await withSite(data, (site, config) =>
          renewCertificates(site, config, newKeys),
        )) {
          process.stdout.write(
            `The certificate of the ${owner} expires on ${new Date(endMs).toISOString().slice(0, 10)}.\n`,
          );
        }
        process.stdout.write(
          'A running broker picks it up within seconds. Restart the backend, for example with `systemctl restart blindsight-backend`.\n' +
            `For Mosquitto, copy certificates/broker.pem${newKeys ? ' and broker.key' : ''} to it and reload it.\n`,
        );
      }),
    );
}
