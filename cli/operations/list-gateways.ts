import { listDeployments } from '#backend/operations/deploy-model.ts';
import { listGateways as enrolledGateways } from '#backend/operations/gateways.ts';
import { withSite } from '#backend/site-folder.ts';
import type { GatewayView } from '#protocol/api.ts';
import { printJson, printTable } from '../print.ts';
import { liveState } from './live-state.ts';

/** What a gateway is to run, or says that it runs. */
type Release = { readonly name: string; readonly version: number; readonly release: number };

type Row = {
  readonly gateway: string;
  readonly enrolled: string;
  /** Null where no backend runs that would know. */
  readonly state: GatewayView['state'] | null;
  readonly since: string | null;
  readonly quarantined: boolean;
  readonly kept: number;
  readonly software: string | null;
  readonly model: Release | null;
  /** What it says that it runs; null where it did not say, or runs what this site did not release. */
  readonly running: Release | null;
};

/** `blindsight gateway list`. Whether a gateway is there, and what runs on it, only the running backend knows. */
export async function listGateways(options: { data: string; json?: boolean }): Promise<void> {
  const { rows, isLive } = await withSite(options.data, async (site, config) => {
    const live = await liveState(site, config);
    const views = new Map(live?.gateways.map((view) => [view.name, view]));
    const deployments = await listDeployments(site);
    const held = new Map((await site.store.held.usage()).map(({ gateway, items }) => [gateway, items]));
    const found = (await enrolledGateways(site)).map((gateway): Row => {
      const view = views.get(gateway.name);
      const releases = deployments.filter((one) => one.gateway === gateway.name);
      const newest = releases.toSorted((a, b) => a.counter - b.counter).at(-1);
      const active = releases.find(({ digest }) => digest === view?.reported?.bundle.active);
      const named = (one: (typeof releases)[number] | undefined): Release | null =>
        one === undefined ? null : { name: one.model, version: one.version, release: one.counter };
      return {
        gateway: gateway.name,
        enrolled: new Date(gateway.enrolledMs).toISOString(),
        state: view?.state ?? null,
        since: view?.since ?? null,
        quarantined: gateway.quarantine !== null,
        kept: held.get(gateway.name) ?? 0,
        software: view?.version ?? null,
        model: named(newest),
        running: named(active),
      };
    });
    return { rows: found, isLive: live !== null };
  });
  if (options.json) return printJson(rows);
  printTable(
    ['GATEWAY', 'ENROLLED', 'STATE', 'SOFTWARE', 'NETWORK'],
    rows.map((row) => [
      row.gateway,
      row.enrolled.slice(0, 10),
      stateWords(row),
      row.software === null ? '-' : printable(row.software),
      networkWords(row),
    ]),
  );
  if (!isLive) process.stderr.write('The backend does not answer here: who is online only it knows.\n');
}

function stateWords({ state, since, quarantined, kept }: Row): string {
  const presence = state === 'offline' && since !== null ? `offline since ${since}` : (state ?? 'unknown');
  return [presence, ...(quarantined ? ['in quarantine'] : []), ...(kept > 0 ? [`${kept} kept`] : [])].join(
    ', ',
  );
}

function networkWords({ model, running }: Row): string {
  const name = (one: Release): string => `${one.name} version ${one.version} (release ${one.release})`;
  if (model === null) return '-';
  if (running === null) return name(model);
  return running.release === model.release ? `${name(model)}, runs` : `${name(model)}, runs ${name(running)}`;
}

/** A gateway may say what it likes, and a terminal obeys control characters. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?');
}
