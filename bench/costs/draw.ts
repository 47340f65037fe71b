/** One bar: its length, the text after it, and its color. */
export type Bar = { readonly value: number; readonly text: string; readonly color: 0 | 1 };
/** A line of a bar chart. */
export type BarRow = { readonly label: string; readonly bars: readonly Bar[] };
/** A point of a curve; `notes` follow below its label, a line each. */
export type Point = { readonly label: string; readonly value: number; readonly notes: readonly string[] };
/** A curve with its own axis. */
export type Panel = { readonly title: string; readonly points: readonly Point[] };

const STYLE = `<style>
text { font-family: system-ui, sans-serif; font-size: 12px; fill: #1f2933 }
.title { font-size: 15px; font-weight: 600 } .small { font-size: 10px; fill: #52606d }
.page { fill: #ffffff } .c0 { fill: #2563eb } .c1 { fill: #f59e0b } .line { fill: none; stroke: #2563eb; stroke-width: 2 } .axis { stroke: #9aa5b1 }
@media (prefers-color-scheme: dark) { .page { fill: #111827 } text { fill: #e5e7eb } .small { fill: #9ca3af } .c0 { fill: #60a5fa } .c1 { fill: #fbbf24 } .line { stroke: #60a5fa } }
</style>`;

function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

function write(x: number, y: number, content: string, attributes = ''): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${attributes}>${escapeXml(content)}</text>`;
}

function page(width: number, height: number, title: string, parts: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeXml(title)}">`,
    STYLE,
    `<rect width="${width}" height="${height}" class="page"/>`,
    write(20, 28, title, 'class="title"'),
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

const WIDTH = 900;

/** Bars from left to right, one group per row; `legend` names the two colors. */
export function drawBars(title: string, rows: readonly BarRow[], legend: readonly string[]): string {
  const left = 310;
  const room = WIDTH - left - 190;
  const longest = Math.max(...rows.flatMap(({ bars }) => bars.map(({ value }) => value)));
  const parts: string[] = [];
  legend.forEach((name, i) => {
    const x = left + i * 250;
    parts.push(
      `<rect x="${x}" y="42" width="10" height="10" class="c${i}"/>`,
      write(x + 16, 51, name, 'class="small"'),
    );
  });
  let y = 66;
  for (const { label, bars } of rows) {
    const height = 15 * bars.length;
    parts.push(write(left - 10, y + height / 2 + 4, label, 'text-anchor="end"'));
    bars.forEach(({ value, text, color }, i) => {
      const width = Math.max(1, (value / longest) * room);
      const top = y + 15 * i;
      parts.push(
        `<rect x="${left}" y="${top + 1}" width="${width.toFixed(1)}" height="12" rx="2" class="c${color}"/>`,
        write(left + width + 6, top + 11, text, 'class="small"'),
      );
    });
    y += height + 9;
  }
  return page(WIDTH, y + 8, title, parts);
}

/** Curves side by side, each from zero to its own largest value. */
export function drawCurves(title: string, unit: string, panels: readonly Panel[]): string {
  const height = 334;
  const gap = 40;
  const width = (WIDTH - 40 - gap * (panels.length - 1)) / panels.length;
  const [top, bottom] = [76, 250];
  const parts = panels.flatMap(({ title: about, points }, p) => {
    const left = 20 + p * (width + gap);
    const largest = Math.max(...points.map(({ value }) => value));
    const x = (i: number): number => left + 24 + ((width - 48) * i) / Math.max(1, points.length - 1);
    const y = (value: number): number => bottom - ((bottom - top) * value) / largest;
    const path = points.map(({ value }, i) => `${x(i).toFixed(1)},${y(value).toFixed(1)}`).join(' ');
    return [
      `<line x1="${left}" x2="${left + width}" y1="${bottom}" y2="${bottom}" class="axis"/>`,
      `<polyline points="${path}" class="line"/>`,
      ...points.flatMap(({ label, value, notes }, i) => [
        `<circle cx="${x(i).toFixed(1)}" cy="${y(value).toFixed(1)}" r="3" class="c0"/>`,
        // Ends above the point: the line to the next one rises on the right.
        write(x(i) + 6, y(value) - 9, `${Math.round(value)} ${unit}`, 'text-anchor="end"'),
        ...[label, ...notes].map((line, k) =>
          write(x(i), bottom + 16 + 14 * k, line, `text-anchor="middle"${k === 0 ? '' : ' class="small"'}`),
        ),
      ]),
      write(left + width / 2, bottom + 66, about, 'text-anchor="middle"'),
    ];
  });
  return page(WIDTH, height, title, parts);
}
