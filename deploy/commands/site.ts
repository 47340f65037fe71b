import type { Command } from 'commander';

/** `blindsight site init`: keys, certificates and settings of a new site. */
export function registerSite(program: Command): void {
  const site = program.command('site').description('make a site');
  site
    .command('init')
    .description('make keys, certificates, the store and settings; an existing site is left as it is')
    .option('--site <name>', 'name of the site, part of every topic', 'site')
    .option('--data <dir>', 'folder of the site', './data')
    .action(async (options: { site: string; data: string }) => {
      const { initSite } = await import('../operations/site.ts');
      await initSite(options);
    });
}
