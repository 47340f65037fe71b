import type { ExplainedLayer, Explanation } from './explanation.ts';

const WIDTH = 960;
const LEFT = 250;
const RIGHT = 240;
const ROW = 34;
const TOP = 84;
const BAR = WIDTH - LEFT - RIGHT;

function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

function text(x: number, y: number, content: string, attributes = ''): string {
  return `<text x="${x}" y="${y}" ${attributes}>${escapeXml(content)}</text>`;
}

function row(layer: ExplainedLayer, index: number, slowest: number): string {
  const y = TOP + index * ROW;
  const width = Math.max(1, (layer.estimatedMs / slowest) * BAR);
  const linear = layer.kind === 'linear';
  const title = linear ? `${layer.inputs} → ${layer.outputs}` : `product of ${layer.outputs}`;
  const about = `${layer.rotations} rot · ${layer.products} prod · level ${layer.level}`;
  return [
    text(LEFT - 12, y + 15, title, 'text-anchor="end" class="name"'),
    text(LEFT - 12, y + 28, layer.plan, 'text-anchor="end" class="small"'),
    `<rect x="${LEFT}" y="${y + 4}" width="${width.toFixed(1)}" height="${ROW - 12}" rx="3" class="${layer.kind}"><title>${escapeXml(layer.layout)}</title></rect>`,
    text(LEFT + width + 8, y + 15, `${layer.estimatedMs.toFixed(1)} ms`, 'class="name"'),
    text(LEFT + width + 8, y + 28, about, 'class="small"'),
  ].join('\n');
}

/** An explanation as an SVG picture: layers from top to bottom, a bar for the time of each. Readable on light and dark pages. */
export function drawExplanation(explanation: Explanation): string {
  const { name, layers, regions, ringDegree, logQP, estimatedMs, bytes, precisionBits } = explanation;
  const height = TOP + layers.length * ROW + 24;
  const slowest = Math.max(...layers.map((layer) => layer.estimatedMs), 1e-9);
  const about = [
    `N = ${ringDegree}`,
    `log2(QP) = ${logQP.toFixed(0)}`,
    `${estimatedMs.total.toFixed(0)} ms a frame (estimate)`,
    ...(regions > 1 ? [`${regions} regions in one ciphertext`] : []),
    `bundle ${(bytes.bundle / 1e6).toFixed(1)} MB`,
    `memory ${(bytes.memory / 1e6).toFixed(0)} MB`,
    `about ${precisionBits.toFixed(0)} bits`,
  ].join(' · ');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escapeXml(`Plan of ${name}`)}">
<style>
text { font-family: system-ui, sans-serif; fill: #1f2933 }
.title { font-size: 20px; font-weight: 600 } .name { font-size: 12px } .small { font-size: 10px; fill: #52606d }
.page { fill: #ffffff } .linear { fill: #2563eb } .activation { fill: #f59e0b }
@media (prefers-color-scheme: dark) { .page { fill: #111827 } text { fill: #e5e7eb } .small { fill: #9ca3af } .linear { fill: #60a5fa } .activation { fill: #fbbf24 } }
</style>
<rect width="${WIDTH}" height="${height}" class="page"/>
${text(24, 36, name, 'class="title"')}
${text(24, 60, about, 'class="name"')}
${layers.map((layer, index) => row(layer, index, slowest)).join('\n')}
</svg>
`;
}
