import type { GatewaySoftware, SoftwareView } from '#protocol/api.ts';
import type { Store } from '../store/store.ts';

/** Archives that can be released, the newest first. */
export async function listSoftware(store: Store): Promise<SoftwareView[]> {
  return (await store.software.list()).map(({ addedMs, contents: _contents, ...record }) => ({
    ...record,
    added: new Date(addedMs).toISOString(),
  }));
}

/** What each gateway that said so runs, and is to run. */
export async function gatewaySoftware(store: Store): Promise<Map<string, GatewaySoftware>> {
  const releases = new Map((await store.software.current()).map((one) => [one.gateway, one]));
  const views = new Map<string, GatewaySoftware>();
  for (const { gateway, version, platform } of await store.software.running()) {
    const release = releases.get(gateway);
    if (version === null && release === undefined) continue;
    views.set(gateway, {
      version,
      platform,
      wanted: release?.version ?? null,
      status: release?.status ?? null,
      detail: release?.detail ?? null,
      since: release === undefined ? null : new Date(release.updatedMs).toISOString(),
    });
  }
  return views;
}
