import type { Command } from 'commander';
import { formatBytes, printJson, printTable, totalBytes } from '../print.ts';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

/** `blindsight model list`. */
export function registerModelList(model: Command): void {
  model
    .command('list')
    .description('list the protected networks')
    .option(...SITE_OPTION)
    .option('--json', 'print JSON')
    .action(({ data, json }: { data: string; json?: boolean }) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { listModels } = await import('#backend/operations/models.ts');
        const rows = (await withSite(data, listModels)).map((made) => ({
          model: made.name,
          version: made.version,
          created: new Date(made.createdMs).toISOString(),
          labels: made.labels,
          regions: made.interpretation.regions ?? 1,
          ringDegree: made.ringDegree,
          logQP: made.logQP,
          bundleBytes: totalBytes(made.parts),
        }));
        if (json) return printJson(rows);
        printTable(
          ['MODEL', 'VERSION', 'PROTECTED', 'LABELS', 'BUNDLE'],
          rows.map((row) => [
            row.model,
            String(row.version),
            row.created.slice(0, 10),
            row.labels.join(', '),
            formatBytes(row.bundleBytes),
          ]),
        );
      }),
    );
}
