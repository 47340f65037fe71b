import type { Command } from 'commander';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

/** `blindsight site broker-host [NAME…]`. */
export function registerSiteBrokerHost(site: Command): void {
  site
    .command('broker-host')
    .description(
      'add host names and addresses under which remote gateways reach the broker, or list them; ' +
        'gateways need no change',
    )
    .argument('[name...]', 'host name, IPv4 or IPv6 address')
    .option(...SITE_OPTION)
    .addHelpText(
      'after',
      '\nExample:\n  blindsight site broker-host broker.example.org 192.0.2.7 --data ./plaza',
    )
    .action((names: string[], { data }: { data: string }) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { addBrokerHosts, listBrokerHosts } = await import('#backend/operations/broker-hosts.ts');
        if (names.length === 0) {
          process.stdout.write(`${(await withSite(data, listBrokerHosts)).join('\n')}\n`);
          return;
        }
        const { hosts, listens } = await withSite(data, (opened) => addBrokerHosts(opened, names));
        const running =
          listens === null
            ? 'A running broker picks it up within seconds'
            : `From its next start, the broker listens on every interface (\`host: ${listens}\` in broker.yaml): ` +
              'restart it, for example with `systemctl restart blindsight-broker`';
        process.stdout.write(
          `The certificate of the broker covers ${hosts.join(', ')}. Gateways need no change.\n${running}.\n` +
            'For Mosquitto, copy certificates/broker.pem to it and reload it.\n',
        );
      }),
    );
}
