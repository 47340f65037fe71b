import type { RefObject } from 'preact';
import { useCallback, useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { formatClock, formatCount } from '../view/format.ts';
import type { Band } from '../view/stacked-columns.ts';
import type { Words } from '../words/en.ts';
import type { Theme } from './use-theme.ts';

const FONT = '13px system-ui, sans-serif';
/** Room for `100 %` left of the plot, in CSS pixels. */
const AXIS_WIDTH = 54;
const AXIS_HEIGHT = 24;
/** Least distance of two times below the plot, in CSS pixels. */
const LABEL_DISTANCE = 64;
/** Half the width of `00:00:00`, in CSS pixels. */
const HALF_TEXT = 28;
/** Size of a mark, in CSS pixels. */
const MARK_WIDTH = 2;
const MARK_HEIGHT = 8;
const DAY_MS = 86_400_000;

export type PlotInput = {
  readonly times: readonly number[];
  readonly bands: readonly Band[];
  /** CSS class that colors a label. */
  readonly color: (label: string) => string;
  readonly theme: Theme;
  /** Edges of the time line, ms of the site's clock. */
  readonly fromMs: number;
  readonly endMs: number;
  /** The uppermost number of the plot: 1 for probabilities, else counts. */
  readonly top: number;
  /** Moments to mark at the upper edge. */
  readonly marks: readonly number[];
  readonly formatDay: Words['formatDay'];
  /** Called with the time under the pointer, null when it leaves. */
  readonly onPoint: (timeMs: number | null) => void;
};

/**
 * A stacked time line in the element of `host`, redrawn when data, size, theme or the time range change. Returns a function
 * that puts the cursor on a moment, or hides it (null), as the pointer would.
 */
export function usePlot(
  host: RefObject<HTMLDivElement | null>,
  input: PlotInput,
): (timeMs: number | null) => void {
  const { times, bands, color, theme, fromMs, endMs } = input;
  const plot = useRef<uPlot | null>(null);
  const now = useRef(input);
  now.current = input;
  const labels = bands.map(({ label }) => label);
  const look = [theme, ...labels, ...labels.map(color)].join('\n');

  // Rebuilt only when labels or colors change; the data follows below.
  useEffect(() => {
    const element = host.current;
    if (element === null) return;
    const fills = labels.map((label) => resolveColor(element, color(label)));
    const ink = getComputedStyle(element).color;
    const grid = resolveColor(element, 'grid-color');
    const mark = resolveColor(element, 'withheld-mark');
    const options = plotOptions({ element, labels, fills, ink, grid, mark, now });
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
  }, [times, bands, fromMs, endMs, input.marks, input.top, look]);

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
  readonly mark: string;
  readonly now: { readonly current: PlotInput };
};

function plotOptions({ element, labels, fills, ink, grid, mark, now }: OptionsInput): uPlot.Options {
  const axis = { stroke: ink, font: FONT, ticks: { show: false } };
  return {
    width: element.clientWidth,
    height: element.clientHeight,
    ms: 1,
    padding: [6, 2, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
    scales: {
      x: { time: true, range: () => [now.current.fromMs, now.current.endMs] },
      y: { range: () => [0, now.current.top] },
    },
    axes: [
      {
        ...axis,
        size: AXIS_HEIGHT,
        space: LABEL_DISTANCE,
        grid: { show: false },
        values: (_, splits, _axis, _space, stepMs) => {
          const { fromMs, endMs } = now.current;
          // A label that would be cut off at the right edge is omitted.
          const halfTextMs = ((endMs - fromMs) * HALF_TEXT) / Math.max(1, element.clientWidth - AXIS_WIDTH);
          return splits.map((time) =>
            endMs - time < halfTextMs ? '' : tickWords(time, stepMs, now.current),
          );
        },
      },
      {
        ...axis,
        size: AXIS_WIDTH,
        gap: 8,
        grid: { stroke: grid, width: 1 },
        splits: () => [0, now.current.top / 2, now.current.top],
        values: () =>
          now.current.top === 1
            ? ['0', '50', '100 %']
            : [0, now.current.top / 2, now.current.top].map((count) => formatCount(count)),
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
          now.current.onPoint(index === null || index === undefined ? null : (self.data[0][index] ?? null));
        },
      ],
      draw: [(self) => drawMarks(self, now.current.marks, mark)],
    },
  };
}

/** A time below the plot: to the second, to the minute, or, where a day begins, the day. */
function tickWords(timeMs: number, stepMs: number, { fromMs, endMs, formatDay }: PlotInput): string {
  const clock = formatClock(timeMs);
  const day = new Date(timeMs);
  if (endMs - fromMs > DAY_MS && clock === '00:00:00') return formatDay(day.getDate(), day.getMonth());
  return clock.slice(0, stepMs < 60_000 ? 8 : 5);
}

/** Short strokes at the upper edge of the plot. */
function drawMarks(plot: uPlot, marks: readonly number[], color: string): void {
  const { ctx, bbox } = plot;
  const width = MARK_WIDTH * devicePixelRatio;
  ctx.save();
  ctx.fillStyle = color;
  for (const time of marks) {
    const left = plot.valToPos(time, 'x', true) - width / 2;
    if (left < bbox.left || left > bbox.left + bbox.width) continue;
    ctx.fillRect(left, bbox.top, width, MARK_HEIGHT * devicePixelRatio);
  }
  ctx.restore();
}

/** A canvas does not understand custom properties: this is the color of a class as the browser computed it. */
function resolveColor(host: HTMLElement, className: string): string {
  const probe = document.createElement('span');
  probe.className = `${className} color-probe`;
  host.append(probe);
  const { backgroundColor } = getComputedStyle(probe);
  probe.remove();
  return backgroundColor;
}
