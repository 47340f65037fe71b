import { useEffect, useMemo, useState } from 'preact/hooks';
import { parseRoute, type Route } from '../view/route.ts';

/** What the address asks for, kept up to date. */
export function useRoute(): Route {
  const [hash, setHash] = useState(() => location.hash);
  useEffect(() => {
    const follow = () => setHash(location.hash);
    addEventListener('hashchange', follow);
    // Effects run after the next frame: whatever changed until then was heard by nobody.
    follow();
    return () => removeEventListener('hashchange', follow);
  }, []);
  return useMemo(() => parseRoute(hash), [hash]);
}
