import type { Command } from 'commander';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

/** `blindsight site renew`. */
export function registerSiteRenew(site: Command): void {
  site
    .command('renew')
    .description('renew the certificates of broker and backend, before they end; gateways need nothing new')
    .option(...SITE_OPTION)
    .action(({ data }: { data: string }) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { renewCertificates } = await import('#backend/operations/renew-certificates.ts');
        for (const { owner, endMs } of await withSite(data, renewCertificates)) {
          process.stdout.write(
            `The certificate of the ${owner} ends on ${new Date(endMs).toISOString().slice(0, 10)}.\n`,
          );
        }
        process.stdout.write(
          'A running broker takes it within seconds. Start the backend again, for example with `systemctl restart blindsight-backend`.\n' +
            'A Mosquitto takes it when certificates/broker.pem is copied to it and it is reloaded.\n',
        );
      }),
    );
}
