import type { RefObject } from 'preact';
import { useEffect, useState } from 'preact/hooks';

/** How wide an element is shown, in CSS pixels, as it changes. @param before until it was measured */
export function useWidth(element: RefObject<Element | null>, before: number): number {
  const [width, setWidth] = useState(before);
  useEffect(() => {
    if (element.current === null) return;
    const observer = new ResizeObserver(([entry]) => {
      const shown = entry?.contentRect.width ?? 0;
      if (shown > 0) setWidth(shown);
    });
    observer.observe(element.current);
    return () => observer.disconnect();
  }, []);
  return width;
}
