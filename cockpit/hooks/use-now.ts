import { useEffect, useState } from 'preact/hooks';

/** This browser's clock in ms, read again every second: ages on the page tick with it. */
export function useNow(periodMs = 1000): number {
  const [nowMs, setNowMs] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), periodMs);
    return () => clearInterval(timer);
  }, [periodMs]);
  return nowMs;
}
