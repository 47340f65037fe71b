import type { Command } from 'commander';
import type { GatewayOverview } from '#backend/operations/describe-gateways.ts';
import { formatRelease, printable, printJson, printTable } from '../print.ts';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

/** `blindsight gateway show GATEWAY`. */
export function registerGatewayShow(gateway: Command): void {
  gateway
    .command('show')
    .description('show one gateway: whether it is there, why it is in quarantine, what it runs')
    .argument('<gateway>')
    .option(...SITE_OPTION)
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  blindsight gateway show gate-1')
    .action((name: string, { data, json }: { data: string; json?: boolean }) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { describeGateway } = await import('#backend/operations/describe-gateways.ts');
        const { gateway: overview, isLive } = await withSite(data, (site, config) =>
          describeGateway(site, config, name),
        );
        if (json) return printJson(overview);
        printTable(['gateway', name], rows(overview));
        if (!isLive)
          process.stderr.write('The backend does not answer here, and only it knows who is online.\n');
      }),
    );
}

function rows(overview: GatewayOverview): [string, string][] {
  const {
    enrolled,
    certificateEnds,
    state,
    since,
    quarantineReason,
    kept,
    software,
    update,
    groups,
    model,
    running,
    beside,
  } = overview;
  return [
    ['enrolled', enrolled],
    ['certificate ends', certificateEnds],
    ['state', since === null ? (state ?? 'unknown') : `${state ?? 'unknown'} since ${since}`],
    ['quarantine', quarantineReason === null ? 'no' : `yes: ${printable(quarantineReason)}`],
    ['kept answers', String(kept)],
    ['software', software === null ? '-' : printable(software)],
    ['update', update === null ? '-' : updateWords(update)],
    ['groups', groups.join(' ') || '-'],
    ['network', model === null ? '-' : formatRelease(model)],
    ['runs', running === null ? '-' : formatRelease(running)],
    ...beside.flatMap((one): [string, string][] => [
      ['network beside it', formatRelease(one)],
      ['runs', one.running === null ? '-' : formatRelease(one.running)],
    ]),
  ];
}

function updateWords({ version, status, detail }: NonNullable<GatewayOverview['update']>): string {
  return `${version}: ${status}${detail === null ? '' : `: ${printable(detail)}`}`;
}
