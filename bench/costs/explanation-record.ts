import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Explanation } from '#network/compiler/explain/explanation.ts';

/** What the page needs of an explanation. */
export type Cost = Pick<
  Explanation,
  'ringDegree' | 'logQP' | 'levels' | 'keySwitches' | 'products' | 'estimatedMs' | 'bytes'
>;

/** Run as a command, not imported: the page shows what anybody's command prints. */
const CLI = join(import.meta.dirname, '..', '..', 'cli', 'main.ts');
const run = promisify(execFile);

async function explain(network: string): Promise<Cost> {
  const { stdout } = await run(process.execPath, [CLI, 'explain', network, '--json'], { maxBuffer: 2 ** 26 });
  const explanation = JSON.parse(stdout) as Explanation;
  const { ringDegree, logQP, levels, keySwitches, products, estimatedMs, bytes } = explanation;
  return { ringDegree, logQP, levels, keySwitches, products, estimatedMs, bytes };
}

/** Output of `blindsight explain --json`, kept in a file, so that one network can be explained again without all others. */
export class ExplanationRecord {
  readonly #file: URL;
  readonly #costs: Map<string, Cost>;
  readonly #again: (name: string) => boolean;

  private constructor(file: URL, costs: Map<string, Cost>, again: (name: string) => boolean) {
    this.#file = file;
    this.#costs = costs;
    this.#again = again;
  }

  /** @param again networks to explain again although they are in the file. */
  static async open(file: URL, again: (name: string) => boolean): Promise<ExplanationRecord> {
    const text = await readFile(file, 'utf8').catch(() => '{}');
    return new ExplanationRecord(
      file,
      new Map(Object.entries(JSON.parse(text) as Record<string, Cost>)),
      again,
    );
  }

  /** @param source gives the name of a bundled network or an ONNX file; called only when needed. */
  async cost(name: string, source: () => Promise<string>): Promise<Cost> {
    const known = this.#costs.get(name);
    if (known !== undefined && !this.#again(name)) return known;
    process.stderr.write(`… explain ${name}\n`);
    const cost = await explain(await source());
    this.#costs.set(name, cost);
    await mkdir(new URL('.', this.#file), { recursive: true });
    await writeFile(this.#file, `${JSON.stringify(Object.fromEntries(this.#costs), null, 2)}\n`);
    return cost;
  }
}
