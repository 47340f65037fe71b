import type { Command } from 'commander';
import type { KeySetRecord } from '#backend/store/protections.ts';
import { outputWords } from '#protocol/output-words.ts';
import { formatBytes, printJson, printTable } from '../print.ts';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

/** `blindsight model show MODEL`. */
export function registerModelShow(model: Command): void {
  model
    .command('show')
    .description('show one protected network: versions, parameters, sizes, where it is deployed')
    .argument('<model>')
    .option(...SITE_OPTION)
    .option('--json', 'print JSON')
    .action((name: string, { data, json }: { data: string; json?: boolean }) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { listDeployments } = await import('#backend/operations/deploy-model.ts');
        const { showModel } = await import('#backend/operations/models.ts');
        const [shown, releases, all] = await withSite(data, async (site) => [
          await showModel(site, name),
          await listDeployments(site),
          await site.store.protections.list(),
        ]);
        const { parts, labels, ringDegree, logQP, answerBytes, onnxSha256, version, listing } = shown;
        const { regions = 1, task, map } = shown.interpretation;
        const gateways = releases
          .filter((release) => release.model === shown.name && release.version === version)
          .map(({ gateway, counter }) => ({ gateway, release: counter }));
        const keySets = all
          .filter((one) => one.model === shown.name && one.version === version)
          .map(({ number, gateway, isShared, retirement }) => ({ number, gateway, isShared, retirement }));
        if (json) {
          const sizes = { ringDegree, logQP, answerBytes, onnxSha256, parts };
          const { retirement, output } = shown;
          return printJson({
            model: name,
            version,
            labels,
            ...(task !== undefined && { task }),
            ...(map !== undefined && { map }),
            regions,
            ...sizes,
            gateways,
            keySets,
            retirement,
            output,
            listing,
          });
        }
        printTable(
          [name, `version ${version}`],
          [
            ['labels', labels.join(', ')],
            ...(task === undefined ? [] : [['task', taskWords(task, map)] as [string, string]]),
            ['regions', String(regions)],
            ['security', `128 bits: N = ${ringDegree}, log2(Q·P) = ${logQP.toFixed(1)}`],
            ['answer', formatBytes(answerBytes)],
            ['answers tell', outputWords(shown.output, shown.interpretation.task)],
            ...parts.map((part) => [part.name, formatBytes(part.bytes)]),
            ['ONNX file', onnxSha256.slice(0, 16)],
            ['keys', keySets.map(keyWords).join('; ')],
            ...(shown.retirement === null
              ? []
              : [
                  [
                    'retired',
                    `answers are refused from ${new Date(shown.retirement.refusedFromMs).toISOString()} on`,
                  ] as [string, string],
                ]),
            [
              'released to',
              gateways.map(({ gateway, release }) => `${gateway} (release ${release})`).join(', ') || '-',
            ],
          ],
        );
        process.stdout.write(`\n${listing}\n`);
      }),
    );
}

function keyWords({
  number,
  gateway,
  isShared,
  retirement,
}: Pick<KeySetRecord, 'number' | 'gateway' | 'isShared' | 'retirement'>): string {
  const whose = isShared ? 'in common' : (gateway ?? 'of no gateway yet');
  return `${number} ${whose}${retirement === null ? '' : ', retired'}`;
}

/** `map of 22 × 30 cells`, or the task alone. */
function taskWords(
  task: string,
  map: { readonly height: number; readonly width: number } | undefined,
): string {
  return map === undefined ? task : `${task} of ${map.height} × ${map.width} cells`;
}
