const MARGIN = { left: 48, right: 16, top: 28, bottom: 52 };

/** A line of a plot; points in units of the axes. */
export type PlotLine = {
  readonly name: string;
  readonly color: string;
  readonly points: readonly (readonly [number, number])[];
  /** Draws steps: a value holds until the next. */
  readonly steps?: boolean;
};

/** A spot of a plot. */
export type PlotSpot = {
  readonly name: string;
  readonly color: string;
  readonly at: readonly [number, number];
};

type Axis = { readonly name: string; readonly from: number; readonly to: number };

/** What is drawn; sizes in pixels. */
export type Plot = {
  readonly title: string;
  readonly width: number;
  readonly height: number;
  readonly x: Axis;
  readonly y: Axis;
  readonly lines: readonly PlotLine[];
  readonly spots?: readonly PlotSpot[];
};

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/** Round numbers on an axis, about five of them. */
function ticksOf({ from, to }: Axis): number[] {
  const rough = (to - from) / 5;
  const ten = 10 ** Math.floor(Math.log10(rough));
  const step = ten * ([1, 2, 5].find((factor) => ten * factor >= rough) ?? 10);
  const first = Math.ceil(from / step);
  return Array.from({ length: Math.floor(to / step) - first + 1 }, (_, i) => step * (first + i));
}

/** A plot as SVG, with axes, a legend, and lines and spots within. */
export function drawPlot({ title, width, height, x, y, lines, spots = [] }: Plot): string {
  const right = width - MARGIN.right;
  const bottom = height - MARGIN.bottom;
  const across = (value: number): number =>
    MARGIN.left + ((right - MARGIN.left) * (value - x.from)) / (x.to - x.from);
  const down = (value: number): number =>
    bottom - ((bottom - MARGIN.top) * (value - y.from)) / (y.to - y.from);
  const number = (value: number): string => String(Number(value.toFixed(6)));
  const path = ({ points, steps }: PlotLine): string =>
    points
      .flatMap(([px, py], i) => {
        const before = points[i - 1];
        return [...(steps && before ? [[px, before[1]]] : []), [px, py]];
      })
      .map(([px, py]) => `${across(px!).toFixed(1)},${down(py!).toFixed(1)}`)
      .join(' ');
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="11" fill="#555">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    `<text x="${width / 2}" y="16" text-anchor="middle" font-size="13">${escaped(title)}</text>`,
    ...ticksOf(y).map(
      (tick) =>
        `<line x1="${MARGIN.left}" x2="${right}" y1="${down(tick).toFixed(1)}" y2="${down(tick).toFixed(1)}" stroke="#8884"/><text x="${MARGIN.left - 6}" y="${(down(tick) + 4).toFixed(1)}" text-anchor="end">${number(tick)}</text>`,
    ),
    ...ticksOf(x).map(
      (tick) =>
        `<line x1="${across(tick).toFixed(1)}" x2="${across(tick).toFixed(1)}" y1="${bottom}" y2="${bottom + 4}" stroke="#888"/><text x="${across(tick).toFixed(1)}" y="${bottom + 16}" text-anchor="middle">${number(tick)}</text>`,
    ),
    `<text x="${right}" y="${bottom + 30}" text-anchor="end">${escaped(x.name)}</text>`,
    `<text x="6" y="${MARGIN.top - 10}">${escaped(y.name)}</text>`,
    ...lines.map(
      (line) =>
        `<polyline fill="none" stroke="${line.color}" stroke-width="2" stroke-linejoin="round" points="${path(line)}"/>`,
    ),
    ...spots.map(
      ({ color, at }) =>
        `<circle cx="${across(at[0]).toFixed(1)}" cy="${down(at[1]).toFixed(1)}" r="4" fill="${color}"/>`,
    ),
    `<text x="${MARGIN.left}" y="${height - 8}">${[...lines, ...spots]
      .map(({ name, color }) => `<tspan fill="${color}" dx="8">${escaped(name)}</tspan>`)
      .join('')}</text>`,
    '</svg>',
    '',
  ].join('\n');
}
