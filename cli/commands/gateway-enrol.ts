import type { Command } from 'commander';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

type Options = { readonly out: string; readonly broker?: string; readonly data: string };

/** `blindsight gateway enrol NAME --out DIR`. */
export function registerGatewayEnrol(gateway: Command): void {
  gateway
    .command('enrol')
    .description('make the installation package of a gateway: certificate, keys, settings')
    .argument('<gateway>', 'name: lower-case letters, digits and hyphens')
    .requiredOption('--out <dir>', 'folder for the package; it holds private keys')
    .option(
      '--broker <url>',
      'broker address as seen by the gateway, mqtts://host:port (default: the first name of `site broker-host`)',
    )
    .option(...SITE_OPTION)
    .addHelpText(
      'after',
      '\nExample:\n  blindsight gateway enrol gate-1 --out ./gate-1 --broker mqtts://broker.example.org:8883',
    )
    .action((name: string, { out, broker: given, data }: Options) =>
      runCommand(async () => {
        const { isLoopback, parseBrokerUrl } = await import('#backend/enrolment/broker-certificate.ts');
        const { brokerForGateways } = await import('#backend/enrolment/broker-for-gateways.ts');
        const { enrolGateway } = await import('#backend/operations/enrol-gateway.ts');
        const { withSite } = await import('#backend/site-folder.ts');
        const broker = await withSite(data, async (site, config) => {
          const brokerUrl = given ?? (await brokerForGateways(site, config.broker.url));
          await enrolGateway({ site, name, outDirectory: out, brokerUrl });
          return brokerUrl;
        });
        const here = isLoopback(parseBrokerUrl(broker).host)
          ? ', which must be this machine: use --broker for another address'
          : '';
        process.stdout.write(
          `${name} is enrolled, and will connect to ${broker}${here}.\n` +
            `Copy ${out} to the gateway, set its cameras in agent.yaml, and run there:\n` +
            '  blindsight agent --config agent.yaml\n' +
            'The folder holds private keys: delete it here afterwards.\n',
        );
      }),
    );
}
