import type { Command } from 'commander';
import { printJson } from '../print.ts';
import { runCommand } from '../run-command.ts';
import { withoutHeader } from '../settings-header.ts';
import { SITE_OPTION } from '../site-option.ts';

type Options = { readonly data: string; readonly file?: string; readonly json?: boolean };

/** `blindsight gateway config diff NAME`. */
export function registerGatewayConfigDiff(config: Command): void {
  config
    .command('diff')
    .description('show what a push of a file would change on a gateway, against what runs there')
    .argument('<gateway>')
    .option('--file <file>', 'settings to compare (default: the newest that were pushed)')
    .option(...SITE_OPTION)
    .option('--json', 'print JSON')
    .action((name: string, { data, file, json }: Options) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { readSettings } = await import('#backend/configuration/read-settings.ts');
        const { diffTexts } = await import('#backend/configuration/diff-texts.ts');
        const { showConfiguration, showRunning } = await import(
          '#backend/configuration/describe-configurations.ts'
        );
        await withSite(data, async (site) => {
          const running = await showRunning(site, name);
          const other =
            file === undefined ? (await showConfiguration(site, name)).settings : await readSettings(file);
          const lines = diffTexts(withoutHeader(running.settings), withoutHeader(other));
          if (json) return printJson({ gateway: name, running: running.version, lines });
          if (lines.length === 0) return process.stderr.write(`Nothing differs from what runs on ${name}.\n`);
          process.stdout.write(`--- version ${running.version}, which runs\n+++ ${file ?? 'newest'}\n`);
          process.stdout.write(`${lines.join('\n')}\n`);
        });
      }),
    );
}
