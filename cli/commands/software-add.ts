import type { Command } from 'commander';
import { formatBytes, printJson } from '../print.ts';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

const WORDS = { copying: 'copying', checking: 'checking' } as const;

/** `blindsight software add FILE`. */
export function registerSoftwareAdd(software: Command): void {
  software
    .command('add')
    .description('check an archive of the software of gateways, and keep it so that it can be released')
    .argument('<file>', 'a .tar.gz that `node deploy/edge/archive.ts` made')
    .option(...SITE_OPTION)
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  blindsight software add blindsight-1.2.3-linux-arm64.tar.gz')
    .action((file: string, { data, json }: { data: string; json?: boolean }) =>
      runCommand(async ({ progress, signal }) => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { addSoftware } = await import('#backend/software/add-software.ts');
        const { record, isNew } = await withSite(data, (site) =>
          addSoftware({
            ...{ site, file, signal },
            onProgress: (step, share) =>
              progress.update(step, `${WORDS[step]} ${file}, ${Math.round(100 * share)} %`, share),
          }),
        );
        progress.end();
        const { version, platform, bytes, sha256 } = record;
        if (json) return printJson({ version, platform, bytes, sha256, isNew });
        process.stdout.write(
          `Software ${version} for ${platform} ${isNew ? 'is kept' : 'was kept before'} (${formatBytes(bytes)}, SHA-256 ${sha256.slice(0, 12)}…).\n`,
        );
      }, 'stopped; nothing was kept'),
    );
}
