import type { Command } from 'commander';
import type { RestoreOptions } from '../operations/backup.ts';

const each = (name: string, before: string[] = []): string[] => [...before, name];

/** `blindsight site init|backup|restore|broker-host`. */
export function registerSite(program: Command): void {
  const site = program.command('site').description('make a site, back it up, name its broker');
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
    .command('backup')
    .description(
      'copy a site while it runs: store, bundle parts, certificates, settings; not its installation key',
    )
    .argument('<dir>', 'folder to make; must not exist')
    .option('--key-out <file>', 'copy the installation key to this file, to be kept apart from the backup')
    .option('--data <dir>', 'folder of the site', './data')
    .addHelpText(
      'after',
      '\nExample:\n  blindsight site backup /backup/plaza-monday --data ./plaza --key-out /safe/plaza.key',
    )
    .action(async (dir: string, options: { data: string; keyOut?: string }) => {
      const { backUp } = await import('../operations/backup.ts');
      await backUp(dir, options);
    });
  site
    .command('restore')
    .description('make a site of a backup; with --verify only check the backup, and write nothing')
    .argument('<backup>', 'folder that `site backup` made')
    .option('--data <dir>', 'folder of the new site; must not exist, or be empty')
    .option('--installation-key <file>', 'the installation key of the site')
    .option(
      '--postgresql <url-file>',
      'for a site in PostgreSQL: file (0600) with the URL of the restored database',
    )
    .option('--verify', 'check only')
    .addHelpText(
      'after',
      '\nExamples:\n  blindsight site restore /backup/plaza-monday --verify --installation-key /safe/plaza.key' +
        '\n  blindsight site restore /backup/plaza-monday --data ./plaza --installation-key /safe/plaza.key',
    )
    .action(async (backup: string, options: RestoreOptions, command: Command) => {
      if (options.verify !== true && (options.data === undefined || options.installationKey === undefined)) {
        command.error('error: give --data and --installation-key, or --verify');
      }
      const { restore } = await import('../operations/backup.ts');
      await restore(backup, options);
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
