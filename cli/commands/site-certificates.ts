import type { Command } from 'commander';
import { printJson, printTable } from '../print.ts';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

/** `blindsight site certificates`. */
export function registerSiteCertificates(site: Command): void {
  site
    .command('certificates')
    .description('list every certificate that the site has issued, with its serial number')
    .option(...SITE_OPTION)
    .option('--json', 'print JSON')
    .action(({ data, json }: { data: string; json?: boolean }) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { listCertificates } = await import('#backend/operations/certificates.ts');
        const all = await withSite(data, (open, config) => listCertificates({ site: open, config }));
        if (json) return printJson(all);
        printTable(
          ['SERIAL', 'KIND', 'NAME', 'ISSUED', 'ENDS', 'STATE'],
          all.map(({ serial, kind, name, issued, ends, state, inUse }) => [
            serial,
            kind,
            name,
            issued.slice(0, 10),
            ends.slice(0, 10),
            inUse === true ? `${state}, in use` : state,
          ]),
        );
      }),
    );
}
