import { type Clock, systemClock } from '#runtime/clock.ts';
import type { Site } from '../site.ts';
import type { DeploymentRecord } from '../store/deployments.ts';
import type { ModelRecord } from '../store/models.ts';
import type { Store } from '../store/store.ts';
import { findModel } from './models.ts';

export type RetireModelOptions = {
  readonly site: Site;
  readonly model: string;
  readonly version: number;
  readonly clock?: Clock;
};

export type Retired = {
  readonly model: ModelRecord;
  /** False where it was so before. */
  readonly changed: boolean;
  /** Gateways that are to run it, or said last that they do. */
  readonly gateways: readonly string[];
};

/**
 * Takes a network out of service: nothing new is deployed of it at once, and its answers are refused after a time of grace.
 *
 * @param options.graceMs how long answers of gateways that still run it are taken
 * @throws BlindsightError MODEL_NOT_FOUND.
 */
export async function retireModel(
  options: RetireModelOptions & { readonly graceMs: number },
): Promise<Retired> {
  const nowMs = (options.clock ?? systemClock).now();
  const retirement = { sinceMs: nowMs, refusedFromMs: nowMs + options.graceMs };
  const until = new Date(retirement.refusedFromMs).toISOString();
  return change(options, retirement, nowMs, `was retired; its answers are refused from ${until} on`);
}

/** Takes a retired network back into service. @throws BlindsightError MODEL_NOT_FOUND. */
export async function reinstateModel(options: RetireModelOptions): Promise<Retired> {
  return change(options, null, (options.clock ?? systemClock).now(), 'was taken back into service');
}

async function change(
  { site, model: name, version }: RetireModelOptions,
  retirement: ModelRecord['retirement'],
  timeMs: number,
  words: string,
): Promise<Retired> {
  await findModel(site, name, version);
  const changed = await site.store.transaction(async (store) => {
    if (!(await store.models.setRetirement(name, version, retirement))) return false;
    const message = `${name} version ${version} ${words}`;
    await store.journal.add({ timeMs, level: 'warn', code: 'MODEL_RETIREMENT', subject: name, message });
    return true;
  });
  const model = await findModel(site, name, version);
  return { model, changed, gateways: (await gatewaysOf(site.store))(name, version) };
}

/** Who is to run a network, or said last that they do: the newest release of each network of a gateway, and the newest that was active on it. */
export async function gatewaysOf(store: Store): Promise<(name: string, version: number) => string[]> {
  const enrolled = new Set((await store.gateways.list()).map((gateway) => gateway.name));
  const releases = (await store.deployments.list()).filter(({ gateway }) => enrolled.has(gateway));
  const place = ({ gateway, model, beside }: DeploymentRecord) => `${gateway} ${beside ? model : ''}`;
  const newest = new Map(releases.map((one) => [place(one), one]));
  const active = new Map(
    releases.filter(({ status }) => status === 'active').map((one) => [place(one), one]),
  );
  const present = [...newest.values(), ...active.values()];
  return (name, version) => {
    const found = present.filter((one) => one.model === name && one.version === version);
    return [...new Set(found.map(({ gateway }) => gateway))].sort();
  };
}
