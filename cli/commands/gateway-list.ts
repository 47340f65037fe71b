import type { Command } from 'commander';
import type { GatewayOverview, GatewayRelease } from '#backend/operations/describe-gateways.ts';
import { END_NOTICE_MS } from '#runtime/certificate-end.ts';
import { siteCommand } from '../command-line.ts';
import { formatRelease, printable, printJson, printTable } from '../print.ts';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

/** `blindsight gateway list`. */
export function registerGatewayList(gateway: Command): void {
  gateway
    .command('list')
    .description('list the gateways, whether they are online, and what they run')
    .option(...SITE_OPTION)
    .option('--json', 'print JSON')
    .action(({ data, json }: { data: string; json?: boolean }) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { describeGateways } = await import('#backend/operations/describe-gateways.ts');
        const { siteCertificates } = await import('#backend/enrolment/site-certificates.ts');
        const { gateways, isLive } = await withSite(data, describeGateways);
        if (json) return printJson(gateways);
        const grouped = gateways.some(({ groups }) => groups.length > 0);
        printTable(
          ['GATEWAY', 'ENROLLED', 'STATE', 'SOFTWARE', ...(grouped ? ['GROUPS'] : []), 'NETWORK'],
          gateways.map((row) => [
            row.gateway,
            row.enrolled.slice(0, 10),
            stateWords(row),
            row.software === null ? '-' : printable(row.software),
            ...(grouped ? [row.groups.join(' ') || '-'] : []),
            networkWords(row),
          ]),
        );
        for (const { owner, endMs } of await withSite(data, siteCertificates)) {
          if (owner !== 'gateway' && isNear(endMs))
            process.stderr.write(
              `The certificate of the ${owner} expires on ${day(endMs)}: run \`${siteCommand(data, 'site renew')}\`.\n`,
            );
        }
        if (!isLive)
          process.stderr.write('The backend does not answer here, and only it knows who is online.\n');
      }),
    );
}

function stateWords({ state, since, quarantined, kept, certificateEnds }: GatewayOverview): string {
  const presence = state === 'offline' && since !== null ? `offline since ${since}` : (state ?? 'unknown');
  const endMs = Date.parse(certificateEnds);
  return [
    presence,
    ...(quarantined ? ['in quarantine'] : []),
    ...(kept > 0 ? [`${kept} kept`] : []),
    ...(isNear(endMs) ? [`certificate expires ${day(endMs)}`] : []),
  ].join(', ');
}

const isNear = (endMs: number): boolean => endMs - Date.now() <= END_NOTICE_MS;
const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

function networkWords({ model, running, beside }: GatewayOverview): string {
  const all = [
    ...(model === null ? [] : [releaseWords(model, running)]),
    ...beside.map((one) => `beside it ${releaseWords(one, one.running)}`),
  ];
  return all.join('; ') || '-';
}

function releaseWords(model: GatewayRelease, running: GatewayRelease | null): string {
  if (running === null) return formatRelease(model);
  return running.release === model.release
    ? `${formatRelease(model)}, runs`
    : `${formatRelease(model)}, runs ${formatRelease(running)}`;
}
