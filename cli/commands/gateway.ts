import type { Command } from 'commander';

/** `blindsight gateway enrol|list|quarantine|release|remove`: the gateways of a site. */
export function registerGateway(program: Command): void {
  const gateway = program
    .command('gateway')
    .description('gateways: enrol, list, quarantine, release, remove');
  gateway
    .command('enrol')
    .description('make the package that a gateway is installed with: certificate, signing key, settings')
    .argument('<gateway>', 'name: lower-case letters, digits and hyphens')
    .requiredOption('--out <dir>', 'folder for the package; it holds private keys')
    .option(
      '--broker <url>',
      'address of the broker as the gateway reaches it, mqtts://host:port; the first name of `site broker-host` by default',
    )
    .option('--data <dir>', 'folder of the site', './data')
    .addHelpText(
      'after',
      '\nExample:\n  blindsight gateway enrol gate-1 --out ./gate-1 --broker mqtts://broker.example.org:8883',
    )
    .action(async (name: string, options: { out: string; broker?: string; data: string }) => {
      const { enrol } = await import('../operations/gateways.ts');
      await enrol(name, options);
    });
  gateway
    .command('list')
    .description('list the gateways, whether they are there, and what they run')
    .option('--data <dir>', 'folder of the site', './data')
    .option('--json', 'print JSON')
    .action(async (options: { data: string; json?: boolean }) => {
      const { listGateways } = await import('../operations/list-gateways.ts');
      await listGateways(options);
    });
  gateway
    .command('quarantine')
    .description('keep what a gateway sends, and decrypt none of it until you release it')
    .argument('<gateway>')
    .requiredOption('--reason <text>', 'why, for the page and the journal')
    .option('--data <dir>', 'folder of the site', './data')
    .action(async (name: string, options: { reason: string; data: string }) => {
      const { quarantine } = await import('../operations/gateways.ts');
      await quarantine(name, options);
    });
  gateway
    .command('release')
    .description('take a gateway out of quarantine; what was kept of it is decrypted')
    .argument('<gateway>')
    .option('--discard', 'throw away what was kept of it')
    .option('--data <dir>', 'folder of the site', './data')
    .action(async (name: string, options: { discard?: boolean; data: string }) => {
      const { release } = await import('../operations/gateways.ts');
      await release(name, options);
    });
  gateway
    .command('remove')
    .description('withdraw a gateway for good, for example a stolen one; its name is not used again')
    .argument('<gateway>')
    .option('--data <dir>', 'folder of the site', './data')
    .action(async (name: string, options: { data: string }) => {
      const { remove } = await import('../operations/gateways.ts');
      await remove(name, options);
    });
}
