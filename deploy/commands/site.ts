import type { Command } from 'commander';

const each = (name: string, before: string[] = []): string[] => [...before, name];

/** `blindsight site init|broker-host`: keys, certificates and settings of a new site; names of its broker. */
export function registerSite(program: Command): void {
  const site = program.command('site').description('make a site, name its broker');
  site
    .command('init')
    .description('make keys, certificates, the store and settings; an existing site is left as it is')
    .option('--site <name>', 'name of the site, part of every topic', 'site')
    .option(
      '--broker-host <name>',
      'host name or address under which gateways elsewhere reach the broker; once for each',
      each,
    )
    .option(
      '--postgresql <url-file>',
      'keep the store in PostgreSQL: a file (0600) with the postgresql://… of an empty database; it is copied into the folder',
    )
    .option('--data <dir>', 'folder of the site', './data')
    .addHelpText(
      'after',
      '\nExample:\n  blindsight site init --site plaza --data ./plaza --broker-host broker.example.org --broker-host 192.0.2.7',
    )
    .action(async (options: { site: string; data: string; brokerHost?: string[]; postgresql?: string }) => {
      const { initSite } = await import('../operations/site.ts');
      await initSite(options);
    });
  site
    .command('broker-host')
    .description(
      'add host names and addresses under which gateways elsewhere reach the broker, or show those that there are; ' +
        'gateways need nothing new',
    )
    .argument('[name...]', 'host name, IPv4 or IPv6 address')
    .option('--data <dir>', 'folder of the site', './data')
    .addHelpText(
      'after',
      '\nExample:\n  blindsight site broker-host broker.example.org 192.0.2.7 --data ./plaza',
    )
    .action(async (names: string[], options: { data: string }) => {
      const { brokerHost } = await import('../operations/site.ts');
      await brokerHost(names, options);
    });
}
