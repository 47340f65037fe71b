import { useEffect, useState } from 'preact/hooks';

/** What a later part of the page brings, fetched when it is first needed; `failed` where it cannot be. */
export function useLoaded<T>(load: () => Promise<T>): T | 'loading' | 'failed' {
  const [loaded, setLoaded] = useState<{ readonly part: T | 'loading' | 'failed' }>({ part: 'loading' });
  useEffect(() => {
    let isCurrent = true;
    load().then(
      (part) => isCurrent && setLoaded({ part }),
      () => isCurrent && setLoaded({ part: 'failed' }),
    );
    return () => {
      isCurrent = false;
    };
  }, []);
  return loaded.part;
}
