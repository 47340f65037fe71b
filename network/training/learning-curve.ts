import type { EpochReport } from './fit-options.ts';

const WIDTH = 640;
const HEIGHT = 300;
const MARGIN = { left: 48, right: 48, top: 28, bottom: 36 };

function polyline(points: readonly (readonly [number, number])[], color: string, dash = ''): string {
  const path = points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(' ');
  return `<polyline fill="none" stroke="${color}" stroke-width="2"${dash && ` stroke-dasharray="${dash}"`} points="${path}"/>`;
}

/** A learning curve as an SVG picture: loss (left axis), accuracy on training and validation pictures (right axis). */
export function drawLearningCurve(curve: readonly EpochReport[], title: string): string {
  const inner = { width: WIDTH - MARGIN.left - MARGIN.right, height: HEIGHT - MARGIN.top - MARGIN.bottom };
  const largestLoss = Math.max(...curve.map((report) => report.loss));
  const lowest = Math.min(...curve.flatMap((report) => [report.trainingScore, report.validationScore]));
  const floor = Math.floor(lowest * 20) / 20;
  const x = (i: number): number => MARGIN.left + (inner.width * i) / Math.max(1, curve.length - 1);
  const yLoss = (loss: number): number => MARGIN.top + inner.height * (1 - loss / largestLoss);
  const yAccuracy = (a: number): number =>
    MARGIN.top + inner.height * (1 - (a - floor) / Math.max(1e-9, 1 - floor));
  const bottom = MARGIN.top + inner.height;
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((t) => {
    const y = MARGIN.top + inner.height * (1 - t);
    return [
      `<line x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${y}" y2="${y}" stroke="#8884"/>`,
      `<text x="${MARGIN.left - 6}" y="${y + 4}" text-anchor="end">${(largestLoss * t).toFixed(2)}</text>`,
      `<text x="${WIDTH - MARGIN.right + 6}" y="${y + 4}">${(100 * (floor + (1 - floor) * t)).toFixed(1)}%</text>`,
    ].join('');
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="11" fill="#555">`,
    `<title>Learning curve: ${title}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    `<text x="${WIDTH / 2}" y="16" text-anchor="middle" font-size="13">${title}</text>`,
    ...ticks,
    polyline(
      curve.map((report, i) => [x(i), yLoss(report.loss)]),
      '#c2410c',
    ),
    polyline(
      curve.map((report, i) => [x(i), yAccuracy(report.trainingScore)]),
      '#2563eb',
      '4 3',
    ),
    polyline(
      curve.map((report, i) => [x(i), yAccuracy(report.validationScore)]),
      '#15803d',
    ),
    `<text x="${MARGIN.left}" y="${bottom + 16}">epoch 1</text>`,
    `<text x="${WIDTH - MARGIN.right}" y="${bottom + 16}" text-anchor="end">epoch ${curve.length}</text>`,
    `<text x="${WIDTH / 2}" y="${bottom + 30}" text-anchor="middle"><tspan fill="#c2410c">loss</tspan>`,
    `<tspan fill="#2563eb" dx="12">accuracy, training (augmented)</tspan>`,
    `<tspan fill="#15803d" dx="12">accuracy, validation</tspan></text>`,
    '</svg>',
    '',
  ].join('\n');
}
