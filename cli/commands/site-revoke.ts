import type { Command } from 'commander';
import type { CertificateView } from '#protocol/api.ts';
import { siteCommand } from '../command-line.ts';
import { printJson } from '../print.ts';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

type Options = { readonly data: string; readonly yes?: boolean; readonly json?: boolean };

/** `blindsight site revoke SERIAL`. */
export function registerSiteRevoke(site: Command): void {
  site
    .command('revoke')
    .description('revoke one certificate: whoever shows it is refused by the broker')
    .argument('<serial>', 'as `blindsight site certificates` lists it')
    .option('--yes', 'also where it is what the broker or the backend of this site shows now')
    .option(...SITE_OPTION)
    .option('--json', 'print JSON')
    .action((serial: string, { data, yes = false, json }: Options) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { revokeCertificate } = await import('#backend/operations/certificates.ts');
        const revoked = await withSite(data, (open, config) =>
          revokeCertificate({ site: open, config, serial, force: yes }),
        );
        if (json) return printJson(revoked);
        process.stdout.write(
          `Certificate ${revoked.serial} of ${revoked.kind} ${revoked.name} is revoked. The embedded broker refuses it within seconds.\n` +
            `For Mosquitto, copy certificates/revoked.crl to it and restart it.\n${whatNext(revoked, data)}`,
        );
      }),
    );
}

/** What is to be done now. */
function whatNext({ kind, name, inUse }: CertificateView, data: string): string {
  const run = (words: string) => `  ${siteCommand(data, words)}\n`;
  if (kind === 'viewer') return `To let it read again:\n${run(`site issue viewer ${name} --out DIR`)}`;
  if (inUse !== true) return '';
  if (kind === 'gateway') return `To let ${name} in again, with new keys:\n${run(`gateway replace ${name}`)}`;
  const also =
    kind === 'broker'
      ? 'Gateways read no list: while its key is in wrong hands, somebody who controls their network can pose as the broker until the certificate ends. ' +
        'He sees encrypted answers and states, and can give no orders, which only the owner signs.\n'
      : '';
  return `${also}Now make new keys, and restart broker and backend:\n${run('site renew --new-keys')}`;
}
