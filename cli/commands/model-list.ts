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
        const { gatewaysOf } = await import('#backend/operations/retire-model.ts');
        const [models, on, keySets] = await withSite(data, async (site) => [
          await listModels(site),
          await gatewaysOf(site.store),
          (await site.store.protections.list()).filter(({ retirement }) => retirement === null),
        ]);
        const rows = models.map((made) => ({
          model: made.name,
          version: made.version,
          created: new Date(made.createdMs).toISOString(),
          labels: made.labels,
          regions: made.interpretation.regions ?? 1,
          ringDegree: made.ringDegree,
          logQP: made.logQP,
          bundleBytes: totalBytes(made.parts),
          retired: made.retirement && {
            since: new Date(made.retirement.sinceMs).toISOString(),
            refusedFrom: new Date(made.retirement.refusedFromMs).toISOString(),
          },
          keySets: keySets.filter((one) => one.model === made.name && one.version === made.version).length,
          gateways: on(made.name, made.version),
        }));
        if (json) return printJson(rows);
        printTable(
          ['MODEL', 'VERSION', 'PROTECTED', 'LABELS', 'BUNDLE', 'KEYS', 'GATEWAYS', 'RETIRED'],
          rows.map((row) => [
            row.model,
            String(row.version),
            row.created.slice(0, 10),
            row.labels.join(', '),
            formatBytes(row.bundleBytes),
            String(row.keySets),
            row.gateways.join(', ') || '-',
            retiredWords(row.retired),
          ]),
        );
      }),
    );
}

function retiredWords(retired: { readonly since: string; readonly refusedFrom: string } | null): string {
  return retired === null ? '' : `${retired.since.slice(0, 10)}, answers until ${retired.refusedFrom}`;
}
