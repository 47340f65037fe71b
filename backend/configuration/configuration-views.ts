import type { ConfigurationView } from '#protocol/api.ts';
import type { Store } from '../store/store.ts';

/** What became of the newest settings of each gateway that has any, for the page. */
export async function configurationViews({ configurations }: Store): Promise<Map<string, ConfigurationView>> {
  const views = new Map<string, ConfigurationView>();
  for (const { gateway, version, author, status, error, updatedMs } of await configurations.current()) {
    const since = new Date(updatedMs).toISOString();
    views.set(gateway, { version, author, status, since, error, ...(await configurations.running(gateway)) });
  }
  return views;
}
