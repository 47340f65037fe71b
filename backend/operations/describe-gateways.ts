import type { BackendConfig } from '#config/schema.ts';
import type { GatewayView } from '#protocol/api.ts';
import { BlindsightError } from '#protocol/errors.ts';
import type { ReportedBundle } from '#protocol/messages.ts';
import type { Site } from '../site.ts';
import type { DeploymentRecord } from '../store/deployments.ts';
import type { SoftwareReleaseRecord } from '../store/software.ts';
import { listDeployments } from './deploy-model.ts';
import { listGateways } from './gateways.ts';
import { liveState } from './live-state.ts';

/** What a gateway is to run, or says that it runs. */
export type GatewayRelease = { readonly name: string; readonly version: number; readonly release: number };

/** What is known of a gateway, from the store and from the running backend. */
export type GatewayOverview = {
  readonly gateway: string;
  readonly enrolled: string;
  readonly certificateEnds: string;
  /** Null where no backend runs that would know. */
  readonly state: GatewayView['state'] | null;
  readonly since: string | null;
  readonly quarantined: boolean;
  /** Null where it is not in quarantine. */
  readonly quarantineReason: string | null;
  /** Answers that are kept until somebody decides. */
  readonly kept: number;
  readonly software: string | null;
  /** The newest release of software to it, and what became of it; null where nothing was released. */
  readonly update: {
    readonly version: string;
    readonly status: string;
    readonly detail: string | null;
  } | null;
  /** Names that rollouts may call it by together with others. */
  readonly groups: readonly string[];
  /** Its default network. */
  readonly model: GatewayRelease | null;
  /** What it says that it runs; null where it did not say, or runs what this site did not release. */
  readonly running: GatewayRelease | null;
  /** Networks beside that one, each with what it says that it runs of it: nothing where no camera names it. */
  readonly beside: readonly (GatewayRelease & { readonly running: GatewayRelease | null })[];
};

/** Every gateway of a site. Whether one is there, and what runs on it, only the running backend knows: `isLive` says whether it answered. */
export async function describeGateways(
  site: Site,
  config: BackendConfig,
): Promise<{ readonly gateways: readonly GatewayOverview[]; readonly isLive: boolean }> {
  const live = await liveState(site, config);
  const views = new Map(live?.gateways.map((view) => [view.name, view]));
  const deployments = Map.groupBy(await listDeployments(site), (one) => one.gateway);
  const current = Map.groupBy(await site.store.deployments.current(), (one) => one.gateway);
  const updates = new Map((await site.store.software.current()).map((one) => [one.gateway, one]));
  const held = new Map((await site.store.held.usage()).map(({ gateway, items }) => [gateway, items]));
  const gateways = (await listGateways(site)).map((gateway): GatewayOverview => {
    const view = views.get(gateway.name);
    const releases = deployments.get(gateway.name) ?? [];
    const wanted = current.get(gateway.name) ?? [];
    const newest = wanted.find(({ beside }) => !beside);
    const activeOf = (bundle: ReportedBundle | undefined) => {
      const active = releases.find(({ digest }) => digest === bundle?.active);
      return active === undefined ? null : named(active);
    };
    const reportedOf = (model: string) => view?.reported?.networks?.find(({ network }) => network === model);
    return {
      gateway: gateway.name,
      enrolled: new Date(gateway.enrolledMs).toISOString(),
      certificateEnds: new Date(gateway.certificateEndMs).toISOString(),
      state: view?.state ?? null,
      since: view?.since ?? null,
      quarantined: gateway.quarantine !== null,
      quarantineReason: gateway.quarantine?.reason ?? null,
      kept: held.get(gateway.name) ?? 0,
      software: view?.version ?? null,
      update: updateOf(updates.get(gateway.name)),
      groups: gateway.groups,
      model: newest === undefined ? null : named(newest),
      running: activeOf(view?.reported?.bundle),
      beside: wanted
        .filter(({ beside }) => beside)
        .map((one) => ({ ...named(one), running: activeOf(reportedOf(one.model)) })),
    };
  });
  return { gateways, isLive: live !== null };
}

function named({ model, version, counter }: DeploymentRecord): GatewayRelease {
  return { name: model, version, release: counter };
}

function updateOf(release: SoftwareReleaseRecord | undefined): GatewayOverview['update'] {
  if (release === undefined) return null;
  const { version, status, detail } = release;
  return { version, status, detail };
}

/**
 * One gateway of a site.
 *
 * @throws BlindsightError GATEWAY_NOT_FOUND.
 */
export async function describeGateway(
  site: Site,
  config: BackendConfig,
  name: string,
): Promise<{ readonly gateway: GatewayOverview; readonly isLive: boolean }> {
  const { gateways, isLive } = await describeGateways(site, config);
  const gateway = gateways.find((one) => one.gateway === name);
  if (gateway === undefined) throw new BlindsightError('GATEWAY_NOT_FOUND', `no gateway ${name} is enrolled`);
  return { gateway, isLive };
}
