import type { Command } from 'commander';
import { printJson, printTable } from '../print.ts';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

/** `blindsight site owner-key list`. */
export function registerSiteOwnerKeyList(ownerKey: Command): void {
  ownerKey
    .command('list')
    .description('list the owner keys that count, and what each gateway knows of them')
    .option(...SITE_OPTION)
    .option('--json', 'print JSON')
    .action(({ data, json }: { data: string; json?: boolean }) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { describeOwnerKeys } = await import('#backend/trust/describe-owner-keys.ts');
        const shown = await withSite(data, describeOwnerKeys);
        if (json) return printJson(shown);
        const { root, version, expires, keys, gateways } = shown;
        process.stdout.write(
          root === null
            ? 'This site has no root key, so its owner key cannot be replaced from afar: `blindsight site root-key --out FILE`\n'
            : `Root key ${root}. The list of owner keys is version ${version} and counts until ${expires?.slice(0, 10)}.\n`,
        );
        printTable(
          ['OWNER KEY', ''],
          keys.map(({ id, signs }) => [id, signs ? 'signs' : 'counts, signs nothing any more']),
        );
        if (gateways.length === 0) return;
        process.stdout.write('\n');
        printTable(
          ['GATEWAY', 'LIST', 'WHAT IS NEWEST', 'KNOWS THE ROOT KEY'],
          gateways.map((one) => [
            one.gateway,
            one.version === null ? '-' : one.version === 0 ? 'none' : String(one.version),
            one.status ?? '-',
            one.knowsRoot === null ? '-' : one.knowsRoot ? 'yes' : 'no',
          ]),
        );
      }),
    );
}
