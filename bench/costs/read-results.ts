import { readdir, readFile } from 'node:fs/promises';

/** Output of `blindsight evaluate` about a network, as recorded in a results page. */
export type RecordedResult = {
  /** Name of a bundled network or an ONNX file. */
  readonly network: string;
  readonly pictures: number;
  /** Percent. */
  readonly clear: number;
  readonly encrypted: number;
  readonly agreement: number;
  readonly worstLogitError: number;
  readonly medianMs: number;
  readonly p95Ms: number;
  readonly ringDegree: number;
  readonly logQP: number;
  readonly bundleMb: number;
};

const ZOO = new URL('../../network/zoo/', import.meta.url);

function numbers(text: string | undefined): number[] {
  return [...(text ?? '').matchAll(/\d+(?:\.\d+)?(?:e[-+]?\d+)?/g)].map(([digits]) => Number(digits));
}

/** Reads the table of a results page; null if there is none (a network that only ran in the clear), or it is one of points, not of labels. */
export function parseResult(network: string, page: string): RecordedResult | null {
  const cells = new Map(
    page
      .split('\n')
      .map((line) => /^\|\s*([^|]+?)\s*\|\s*([^|]+?)\s*\|$/.exec(line))
      .flatMap((match): [string, string][] =>
        match ? [[match[1]!.replace(/,? (first|second) run$/, ''), match[2]!]] : [],
      ),
  );
  const [medianMs, , p95Ms] = numbers(cells.get('encrypt and evaluate one picture'));
  // "128 bits: N = 8192, log2(Q·P) = 210.0, ternary secret"
  const security = /N = (\d+), log2\(Q·P\) = ([\d.]+)/.exec(cells.get('security') ?? '');
  if (medianMs === undefined || p95Ms === undefined || security === null) return null;
  if (!cells.has('accuracy, clear')) return null;
  const first = (label: string): number => numbers(cells.get(label))[0] ?? Number.NaN;
  return {
    network,
    pictures: first('pictures'),
    clear: first('accuracy, clear'),
    encrypted: first('accuracy, encrypted'),
    agreement: first('same answer as in the clear'),
    worstLogitError: first('worst logit error'),
    medianMs,
    p95Ms,
    ringDegree: Number(security[1]),
    logQP: Number(security[2]),
    bundleMb: first('bundle'),
  };
}

/** Every recorded result: of the bundled networks by name, then of imported ones in the order of their page. */
export async function readResults(): Promise<RecordedResult[]> {
  const files = (await readdir(ZOO, { recursive: true })).map((file) => file.replaceAll('\\', '/')).sort();
  const bundled = files.flatMap((file) => /^([^/]+)\/(?:results|encrypted)\.md$/.exec(file) ?? []);
  const results: RecordedResult[] = [];
  for (let i = 0; i < bundled.length; i += 2) {
    const result = parseResult(bundled[i + 1]!, await readFile(new URL(bundled[i]!, ZOO), 'utf8'));
    if (result !== null) results.push(result);
  }
  const imported = await readFile(new URL('imported.md', ZOO), 'utf8');
  for (const section of imported.split(/^## /m).slice(1)) {
    const file = /`([^`]+\.onnx)`/.exec(section.split('\n', 1)[0]!)?.[1];
    const result = file === undefined ? null : parseResult(file, section);
    if (result !== null) results.push(result);
  }
  return results;
}
