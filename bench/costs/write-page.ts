/**
 * Writes the tables and pictures of docs/what-protection-costs.md: `node bench/costs/write-page.ts [NAME …]`. Accuracy and measured times are
 * what the results pages of network/zoo recorded; plans and estimates come from `blindsight explain --json`, run now for the named
 * networks (all by default) and taken from explained.json for the others; the same networks in the clear are what `blindsight bench clear --record
 * docs/what-protection-costs/clear.json` measured. The text between the tables is written by hand and stays.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { listZoo } from '#network/model/description/zoo.ts';
import { writeOnnx } from '#network/model/onnx/onnx.ts';
import { readClearRecord } from '../clear/clear-record.ts';
import { networkTitle } from '../network-title.ts';
import { clearTables } from './clear-tables.ts';
import { drawBars, drawCurves } from './draw.ts';
import { type Cost, ExplanationRecord } from './explanation-record.ts';
import { markdownTable } from './markdown-table.ts';
import { type RecordedResult, readResults } from './read-results.ts';
import { DESIGNS, GROWTH, type StudyPoint, studyGraph } from './studies.ts';

const ROOT = pathToFileURL(join(import.meta.dirname, '..', '..', '/'));
const PAGE = new URL('docs/what-protection-costs.md', ROOT);
const PICTURES = new URL('docs/what-protection-costs/', ROOT);
/** Networks of others, see test/data/README.md. */
const IMPORTED = [
  'ngraph-he-cryptonets.onnx',
  'he-man-cryptonets_square.onnx',
  'he-man-lenet5_square.onnx',
  'mnist-8/model.onnx',
  'resnet20-cifar10/resnet20.onnx',
];
/** Assumed power of two busy cores in watts, for energy figures; not measured. */
const WATTS = 10;

async function explainNetworks(record: ExplanationRecord): Promise<Map<string, Cost>> {
  const costs = new Map<string, Cost>();
  for (const name of await listZoo()) costs.set(name, await record.cost(name, async () => name));
  for (const path of IMPORTED) {
    const name = networkTitle(path);
    const file = fileURLToPath(new URL(`test/data/onnx/${path}`, ROOT));
    costs.set(name, await record.cost(name, async () => file));
  }
  return costs;
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
const milliseconds = (ms: number): string =>
  ms < 10_000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(0)} s`;

function costTable(explanations: ReadonlyMap<string, Cost>, results: readonly RecordedResult[]): string {
  return markdownTable(
    [
      'network',
      'N',
      'levels',
      'key switches',
      'bundle',
      'memory',
      'estimate',
      'measured median',
      `energy at ${WATTS} W`,
    ],
    [...explanations].map(([name, explanation]) => {
      const { ringDegree, levels, keySwitches, bytes, estimatedMs } = explanation;
      const result = results.find(({ network }) => network === name);
      const ms = result?.medianMs ?? estimatedMs.total;
      return [
        name,
        `${ringDegree}`,
        `${levels}`,
        `${keySwitches}`,
        megabytes(bytes.bundle),
        megabytes(bytes.memory),
        milliseconds(estimatedMs.total),
        result ? milliseconds(result.medianMs) : '-',
        `${((ms * WATTS) / 1000).toPrecision(2)} J${result ? '' : ' (estimate)'}`,
      ];
    }),
  );
}

function accuracyTable(results: readonly RecordedResult[]): string {
  return markdownTable(
    [
      'network',
      'pictures',
      'clear',
      'encrypted',
      'same answer',
      'worst logit error',
      'median',
      '95 % within',
      'bundle then',
    ],
    results.map((result) => [
      result.network,
      `${result.pictures}`,
      `${result.clear.toFixed(2)} %`,
      `${result.encrypted.toFixed(2)} %`,
      `${result.agreement.toFixed(2)} %`,
      result.worstLogitError.toExponential(1),
      milliseconds(result.medianMs),
      milliseconds(result.p95Ms),
      `${result.bundleMb} MB`,
    ]),
  );
}

function drawRecorded(results: readonly RecordedResult[]): Record<string, string> {
  const percent = (value: number): string => `${value.toFixed(2)} %`;
  return {
    'accuracy.svg': drawBars(
      'Right answers: the clear network and its encrypted twin',
      results.map(({ network, clear, encrypted }) => ({
        label: network,
        bars: [
          { value: clear, text: percent(clear), color: 0 },
          { value: encrypted, text: percent(encrypted), color: 1 },
        ],
      })),
      ['clear', 'encrypted'],
    ),
    'time.svg': drawBars(
      'Encrypt and evaluate one picture, two cores',
      results.map(({ network, medianMs, p95Ms }) => ({
        label: network,
        bars: [
          { value: medianMs, text: milliseconds(medianMs), color: 0 },
          { value: p95Ms, text: milliseconds(p95Ms), color: 1 },
        ],
      })),
      ['median', '95 % within'],
    ),
  };
}

function drawSizes(explanations: ReadonlyMap<string, Cost>): string {
  // Plans that cannot run would dwarf the others; the table has them.
  const small = [...explanations].filter(([, { bytes }]) => bytes.memory < 2e9);
  return drawBars(
    'What is deployed, and what the gateway holds in memory',
    small.map(([label, { bytes, ringDegree }]) => ({
      label: `${label} (N = ${ringDegree})`,
      bars: [
        { value: bytes.bundle, text: megabytes(bytes.bundle), color: 0 },
        { value: bytes.memory, text: megabytes(bytes.memory), color: 1 },
      ],
    })),
    ['bundle: encrypted parameters and keys', 'memory of the engine'],
  );
}

async function main(): Promise<void> {
  const results = await readResults();
  const names = process.argv.slice(2);
  const record = await ExplanationRecord.open(
    new URL('explained.json', PICTURES),
    (name) => names.length === 0 || names.includes(name),
  );
  const explanations = await explainNetworks(record);
  const folder = await mkdtemp(join(tmpdir(), 'costs-'));
  const explainPoint = (study: string, point: StudyPoint): Promise<Cost> =>
    record.cost(`${study}: ${point.label}`, async () => {
      const file = join(folder, 'study.onnx');
      await writeFile(file, writeOnnx(await studyGraph(point)));
      return file;
    });
  const pictures: Record<string, string> = { ...drawRecorded(results), 'size.svg': drawSizes(explanations) };
  const tables: Record<string, string> = {
    accuracy: accuracyTable(results),
    cost: costTable(explanations, results),
    ...clearTables(await readClearRecord(new URL('clear.json', PICTURES))),
  };
  try {
    const panels = [];
    for (const { name, title, points } of GROWTH) {
      const explained = [];
      for (const point of points) explained.push({ point, explanation: await explainPoint(name, point) });
      panels.push({
        title,
        points: explained.map(({ point, explanation: { estimatedMs, ringDegree, bytes } }) => ({
          label: point.label,
          value: estimatedMs.total,
          notes: [`N ${ringDegree}`, `${Math.round(bytes.bundle / 1e6)} MB`],
        })),
      });
    }
    pictures['growth.svg'] = drawCurves('How the time of a picture grows (estimate)', 'ms', panels);
    const designs = [];
    for (const point of DESIGNS) designs.push({ point, explanation: await explainPoint('design', point) });
    pictures['design.svg'] = drawBars(
      'The same task, built in other ways (estimate)',
      designs.map(({ point, explanation: { estimatedMs } }) => ({
        label: point.label,
        bars: [{ value: estimatedMs.total, text: milliseconds(estimatedMs.total), color: 0 }],
      })),
      ['encrypt and evaluate one picture'],
    );
    tables.design = markdownTable(
      ['network', 'N', 'levels', 'key switches', 'products', 'bundle', 'estimate'],
      designs.map(({ point, explanation }) => [
        point.label,
        `${explanation.ringDegree}`,
        `${explanation.levels}`,
        `${explanation.keySwitches}`,
        `${explanation.products}`,
        megabytes(explanation.bytes.bundle),
        milliseconds(explanation.estimatedMs.total),
      ]),
    );
  } finally {
    await rm(folder, { recursive: true });
  }
  await mkdir(PICTURES, { recursive: true });
  for (const [name, svg] of Object.entries(pictures)) await writeFile(new URL(name, PICTURES), svg);
  let page = await readFile(PAGE, 'utf8');
  for (const [name, text] of Object.entries(tables)) {
    const block = new RegExp(`(<!-- ${name}: [^>]*-->\n)[^]*?(\n<!-- end -->)`);
    if (!block.test(page)) throw new Error(`${PAGE.pathname} has no place for the table '${name}'`);
    page = page.replace(block, (_, before: string, after: string) => `${before}\n${text}\n${after}`);
  }
  await writeFile(PAGE, page);
}

await main();
