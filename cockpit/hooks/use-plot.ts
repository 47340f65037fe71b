import type { RefObject } from 'preact';
import { useCallback, useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { formatClock } from '../view/format.ts';
import { WINDOW_MS } from '../view/history.ts';
import type { Band } from '../view/stacked-columns.ts';
import type { Theme } from './use-theme.ts';

const FONT = '13px system-ui, sans-serif';
/** Room for `100 %` left of the plot, in CSS pixels. */
const AXIS_WIDTH = 54;
const AXIS_HEIGHT = 24;
/** Least distance of two times below the plot, in CSS pixels. */
const LABEL_DISTANCE = 64;
/** Half the width of `00:00`, in CSS pixels. */
const HALF_TEXT = 20;

export type PlotInput = {
  readonly times: readonly number[];
  readonly bands: readonly Band[];
  /** CSS class that colors a label. */
  readonly color: (label: string) => string;
  readonly theme: Theme;
  /** Right edge of the time line, ms of the site's clock. */
  readonly endMs: number;
  /** Told of the time under the pointer, null when it leaves. */
  readonly onPoint: (timeMs: number | null) => void;
};

/**
 * A stacked time line in the element of `host`, redrawn as data, size, theme and the hour move on. Returns a function
 * that puts the cursor on a moment, or takes it away (null), as the pointer would.
 */
export function usePlot(
  host: RefObject<HTMLDivElement | null>,
  input: PlotInput,
): (timeMs: number | null) => void {
  const { times, bands, color, theme, endMs, onPoint } = input;
  const plot = useRef<uPlot | null>(null);
  const end = useRef(endMs);
  const point = useRef(onPoint);
  end.current = endMs;
  point.current = onPoint;
  const labels = bands.map(({ label }) => label);
  const look = [theme, ...labels, ...labels.map(color)].join('\n');

  // Built anew only when labels or colors change; the data follows below.
  useEffect(() => {
    const element = host.current;
    if (element === null) return;
    const fills = labels.map((label) => resolveColor(element, color(label)));
    const ink = getComputedStyle(element).color;
    const grid = resolveColor(element, 'grid-color');
    const options = plotOptions({ element, labels, fills, ink, grid, end, point });
    const made = new uPlot(options, [[], ...labels.map(() => [])], element);
    plot.current = made;
    const observer = new ResizeObserver(() => {
      made.setSize({ width: element.clientWidth, height: element.clientHeight });
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [look]);

  useEffect(() => {
    plot.current?.setData([times.slice(), ...bands.map(({ edge }) => edge.slice())]);
  }, [times, bands, endMs, look]);

  return useCallback((timeMs: number | null) => {
    const left = timeMs === null ? -1 : plot.current?.valToPos(timeMs, 'x');
    if (left !== undefined) plot.current?.setCursor({ left, top: timeMs === null ? -1 : 1 });
  }, []);
}

type OptionsInput = {
  readonly element: HTMLElement;
  readonly labels: readonly string[];
  readonly fills: readonly string[];
  readonly ink: string;
  readonly grid: string;
  readonly end: { readonly current: number };
  readonly point: { readonly current: PlotInput['onPoint'] };
};

function plotOptions({ element, labels, fills, ink, grid, end, point }: OptionsInput): uPlot.Options {
  const axis = { stroke: ink, font: FONT, ticks: { show: false } };
  return {
    width: element.clientWidth,
    height: element.clientHeight,
    ms: 1,
    padding: [6, 2, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
    scales: {
      x: { time: true, range: () => [end.current - WINDOW_MS, end.current] },
      y: { range: [0, 1] },
    },
    axes: [
      {
        ...axis,
        size: AXIS_HEIGHT,
        space: LABEL_DISTANCE,
        grid: { show: false },
        values: (_, splits) => {
          // A time whose text would be cut off at the right edge is left out.
          const halfTextMs = (WINDOW_MS * HALF_TEXT) / Math.max(1, element.clientWidth - AXIS_WIDTH);
          return splits.map((time) => (end.current - time < halfTextMs ? '' : formatClock(time).slice(0, 5)));
        },
      },
      {
        ...axis,
        size: AXIS_WIDTH,
        gap: 8,
        grid: { stroke: grid, width: 1 },
        splits: () => [0, 0.5, 1],
        values: () => ['0', '50', '100 %'],
      },
    ],
    series: [
      {},
      ...labels.map((label, index) => ({
        label,
        fill: fills[index] ?? ink,
        width: 0,
        points: { show: false },
      })),
    ],
    hooks: {
      setCursor: [
        (self) => {
          const index = self.cursor.idx;
          point.current(index === null || index === undefined ? null : (self.data[0][index] ?? null));
        },
      ],
    },
  };
}

/** A canvas knows no custom properties: the color that a class gives, as the browser computed it. */
function resolveColor(host: HTMLElement, className: string): string {
  const probe = document.createElement('span');
  probe.className = `${className} color-probe`;
  host.append(probe);
  const { backgroundColor } = getComputedStyle(probe);
  probe.remove();
  return backgroundColor;
}
