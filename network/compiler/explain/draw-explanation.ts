import type { ExplainedLayer, Explanation } from './explanation.ts';
import { formatBytes, formatMilliseconds } from './units.ts';

const WIDTH = 960;
const MARGIN = 28;
const TILES = { top: 72, height: 58, gap: 10 };
const HEAD = 172;
/** Left edges of the columns: level, name, bars. */
const LEVEL = { x: MARGIN, width: 62 };
const NAME = { x: 112, characters: 42 };
const BAR = { x: 352, width: 430 };
const ROW = { linear: 40, activation: 24 };

function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

function text(x: number, y: number, content: string, attributes: string): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${attributes}>${escapeXml(content)}</text>`;
}

function shorten(content: string): string {
  return content.length <= NAME.characters ? content : `${content.slice(0, NAME.characters - 1).trimEnd()}…`;
}

/** The key figures. */
function tiles(explanation: Explanation): string {
  const { estimatedMs, measured, bytes, ringDegree, logQP, logQPLimit, precisionBits, securityBits } =
    explanation;
  const contents: [value: string, name: string, detail: string][] = [
    [
      formatMilliseconds(estimatedMs.total),
      'a frame',
      measured === null ? 'estimated' : `measured: ${formatMilliseconds(measured.medianMs)}`,
    ],
    [formatBytes(bytes.bundle), 'bundle', `keys ${formatBytes(bytes.evaluationKeys)}`],
    [formatBytes(bytes.memory), 'memory', 'on the gateway'],
    [`N = ${ringDegree}`, 'ring', `${explanation.levels} levels + ${explanation.specialPrimes} special`],
    [`${logQP.toFixed(0)} bits`, 'log2(QP)', `${securityBits}-bit secure to ${logQPLimit}`],
    [`${precisionBits.toFixed(0)} bits`, 'precision', `answer ${formatBytes(bytes.answer)}`],
  ];
  const width = (WIDTH - 2 * MARGIN - (contents.length - 1) * TILES.gap) / contents.length;
  return contents
    .map(([value, name, detail], i) => {
      const x = MARGIN + i * (width + TILES.gap);
      return [
        `<rect x="${x.toFixed(1)}" y="${TILES.top}" width="${width.toFixed(1)}" height="${TILES.height}" rx="8" class="tile"/>`,
        text(x + 12, TILES.top + 19, name, 'class="small"'),
        text(x + 12, TILES.top + 36, value, 'class="value"'),
        text(x + 12, TILES.top + 50, detail, 'class="tiny"'),
      ].join('\n');
    })
    .join('\n');
}

/** Round spacing of the lines of the time axis: four or five of them. */
function axis(slowestMs: number, bottom: number): string {
  const power = 10 ** Math.floor(Math.log10(slowestMs / 4));
  const step = power * ([1, 2, 5, 10].find((factor) => (factor * power * 5) / slowestMs >= 1) ?? 10);
  const lines: string[] = [];
  for (let at = 0; at <= slowestMs * 1.001; at += step) {
    const x = BAR.x + (at / slowestMs) * BAR.width;
    lines.push(
      `<line x1="${x.toFixed(1)}" y1="${HEAD - 6}" x2="${x.toFixed(1)}" y2="${bottom}" class="grid"/>`,
      text(
        x,
        HEAD - 12,
        at === 0 ? '0' : formatMilliseconds(at).replace('.0 ', ' '),
        'text-anchor="middle" class="tiny"',
      ),
    );
  }
  return lines.join('\n');
}

type Drawn = { readonly layer: ExplainedLayer; readonly y: number; readonly encryptMs: number };

function row({ layer, y, encryptMs }: Drawn, slowestMs: number, levels: number): string {
  const linear = layer.kind === 'linear';
  const height = ROW[layer.kind];
  const middle = y + height / 2;
  const bar = linear ? 22 : 10;
  const full = Math.max(2, (layer.estimatedMs / slowestMs) * BAR.width);
  const encrypt = Math.min(full, (encryptMs / slowestMs) * BAR.width);
  const gauge = LEVEL.width * ((layer.level + 1) / levels);
  const count = (n: number, what: string, plural = `${what}s`): string => `${n} ${n === 1 ? what : plural}`;
  const spread = layer.ciphertexts > 1 ? `${layer.ciphertexts} ciphertexts: ${layer.layout}` : layer.layout;
  const about = linear
    ? `${count(layer.products, 'product')}${layer.rotations > 0 ? ` · ${count(layer.rotations, 'rotation')}` : ''}`
    : '';
  return [
    `<g><title>${escapeXml(`${layer.plan}: ${spread}; level ${layer.level}; ${about || count(layer.products, 'product')}, ${count(layer.keySwitches, 'key switch', 'key switches')}`)}</title>`,
    `<rect x="${LEVEL.x}" y="${middle - 3}" width="${LEVEL.width}" height="6" rx="3" class="tile"/>`,
    `<rect x="${LEVEL.x}" y="${middle - 3}" width="${gauge.toFixed(1)}" height="6" rx="3" class="level"/>`,
    linear
      ? text(NAME.x, middle - 3, `${layer.inputs} → ${layer.outputs} values`, 'class="name"')
      : text(NAME.x, middle + 4, `product of ${layer.outputs}`, 'class="small"'),
    linear ? text(NAME.x, middle + 11, shorten(spread), 'class="tiny"') : '',
    `<rect x="${BAR.x}" y="${middle - bar / 2}" width="${full.toFixed(1)}" height="${bar}" rx="4" class="bar ${layer.kind}"/>`,
    encrypt > 0
      ? `<rect x="${BAR.x}" y="${middle - bar / 2}" width="${encrypt.toFixed(1)}" height="${bar}" rx="4" class="encryption"/>`
      : '',
    text(
      BAR.x + full + 8,
      linear ? middle - 1 : middle + 4,
      formatMilliseconds(layer.estimatedMs),
      linear ? 'class="name"' : 'class="small"',
    ),
    about === '' ? '' : text(BAR.x + full + 8, middle + 11, about, 'class="tiny"'),
    '</g>',
  ]
    .filter((line) => line !== '')
    .join('\n');
}

function legend(y: number): string {
  const entries: [string, string, number][] = [
    ['encryption', 'encryption of the picture', 168],
    ['linear', 'linear layer', 108],
    ['activation', 'product (activation)', 140],
    ['level', 'level left', 0],
  ];
  let x = BAR.x;
  return entries
    .map(([kind, name, width]) => {
      const at = x;
      x += width;
      return `<rect x="${at}" y="${y - 9}" width="10" height="10" rx="2" class="${kind}"/>${text(at + 16, y, name, 'class="tiny"')}`;
    })
    .join('\n');
}

/**
 * An explanation as an SVG picture: figures on top, then layers from top to bottom with the remaining level and a bar for the time of each.
 * Readable on light and dark pages.
 */
export function drawExplanation(explanation: Explanation): string {
  const { name, layers, regions, estimatedMs, levels, machine } = explanation;
  const slowestMs = Math.max(...layers.map((layer) => layer.estimatedMs), 1e-6);
  let y = HEAD;
  const rows = layers.map((layer, i): Drawn => {
    const at = y;
    y += ROW[layer.kind];
    // The picture is encrypted for the first layer.
    return { layer, y: at, encryptMs: i === 0 ? Math.min(estimatedMs.encrypt, layer.estimatedMs) : 0 };
  });
  const height = y + 44;
  const pictures = regions > 1 ? ` for ${regions} regions in one ciphertext` : '';
  const about = `plan of the encrypted network${pictures}; times ${machine.measured ? 'estimated from measurements of this machine' : 'estimated for a typical two-core machine'}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escapeXml(`Plan of ${name}`)}">
<style>
text { font-family: system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; fill: #1f2933 }
.title { font-size: 22px; font-weight: 650 } .value { font-size: 15px; font-weight: 600 } .name { font-size: 12px; font-weight: 500 }
.small { font-size: 11px; fill: #52606d } .tiny { font-size: 10px; fill: #7b8794 }
.page { fill: #ffffff } .tile { fill: #f0f4f8 } .grid { stroke: #d9e2ec; stroke-width: 1; stroke-dasharray: 2 3 }
.linear { fill: #2563eb } .activation { fill: #f59e0b } .encryption { fill: #0d9488 } .level { fill: #9fb3c8 }
@media (prefers-color-scheme: dark) {
text { fill: #f0f4f8 } .small { fill: #bcccdc } .tiny { fill: #829ab1 }
.page { fill: #0f1720 } .tile { fill: #1c2733 } .grid { stroke: #334150 }
.linear { fill: #5b93ff } .activation { fill: #fbbf24 } .encryption { fill: #2dd4bf } .level { fill: #52708f }
}
</style>
<rect width="${WIDTH}" height="${height}" class="page"/>
${text(MARGIN, 38, name, 'class="title"')}
${text(MARGIN, 57, about, 'class="small"')}
${tiles(explanation)}
${text(LEVEL.x, HEAD - 12, 'level', 'class="tiny"')}
${text(NAME.x, HEAD - 12, 'layer, and where its values stand', 'class="tiny"')}
${axis(slowestMs, y)}
${rows.map((one) => row(one, slowestMs, levels)).join('\n')}
${legend(y + 24)}
</svg>
`;
}
