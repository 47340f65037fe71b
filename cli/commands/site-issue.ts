import type { Command } from 'commander';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

type Options = { readonly out: string; readonly broker?: string; readonly data: string };

/** `blindsight site issue viewer NAME --out DIR`. */
export function registerSiteIssue(site: Command): void {
  site
    .command('issue')
    .description('give a program that is no gateway access to the broker')
    .command('viewer')
    .description('a package for a program that reads results, alerts and states: Home Assistant, Node-RED')
    .argument('<name>', 'lower-case letters, digits and hyphens')
    .requiredOption('--out <dir>', 'folder for the package; it holds a private key')
    .option(
      '--broker <url>',
      'broker address as seen by the program, mqtts://host:port (default: the first name of `site broker-host`)',
    )
    .option(...SITE_OPTION)
    .addHelpText('after', '\nExample:\n  blindsight site issue viewer home --out ./home')
    .action((name: string, { out, broker, data }: Options) =>
      runCommand(async () => {
        const { brokerForGateways } = await import('#backend/enrolment/broker-for-gateways.ts');
        const { issueViewer } = await import('#backend/operations/issue-viewer.ts');
        const { withSite } = await import('#backend/site-folder.ts');
        const brokerUrl = await withSite(data, async (open, config) => {
          const url = broker ?? (await brokerForGateways(open, config.broker.url));
          await issueViewer({ site: open, name, outDirectory: out, brokerUrl: url });
          return url;
        });
        process.stdout.write(
          `Viewer ${name} may read results and states at ${brokerUrl}. ${out}/README says how; the folder holds a private key.\n`,
        );
      }),
    );
}
