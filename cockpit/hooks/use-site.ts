import { useCallback, useEffect, useReducer, useState } from 'preact/hooks';
import { followSite } from '../site/follow-site.ts';
import { INITIAL_SITE, reduceSite, type SiteModel } from '../site/site-model.ts';

/** The site as it is now, kept up to date; `restart` starts over after a session was opened or closed. */
export function useSite(): { readonly model: SiteModel; readonly restart: () => void } {
  const [model, dispatch] = useReducer(reduceSite, INITIAL_SITE);
  const [session, setSession] = useState(0);
  const restart = useCallback(() => setSession((count) => count + 1), []);
  // Each new session starts following again.
  useEffect(() => {
    const controller = new AbortController();
    void followSite({ dispatch, signal: controller.signal });
    return () => controller.abort();
  }, [session]);
  return { model, restart };
}
