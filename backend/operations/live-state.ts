import type { BackendConfig } from '#config/schema.ts';
import type { SiteState } from '#protocol/api.ts';
import { makePass } from '../people/command-line-pass.ts';
import type { Site } from '../site.ts';

const TIMEOUT_MS = 3_000;
/** Where a server that listens on every address is reached from its own machine. */
const EVERYWHERE: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

/**
 * What only the running backend of a site knows, requested the way its page does.
 *
 * @returns null where none answers, or one of another site
 */
export async function liveState(site: Site, { api }: BackendConfig): Promise<SiteState | null> {
  const host = EVERYWHERE[api.host] ?? api.host;
  const name = host.includes(':') ? `[${host}]` : host;
  try {
    const response = await fetch(`http://${name}:${api.port}/api/state`, {
      headers: { authorization: `Bearer ${makePass(site, 'viewer')}` },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (!response.ok) return null;
    const state = (await response.json()) as SiteState;
    return state.site === site.name ? state : null;
  } catch {
    return null;
  }
}
