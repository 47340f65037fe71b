// node test/fuzz/run.ts TARGET…|all [--inputs N] [--seconds S] [--seed S] [--blind] [--keep] [--record FILE]
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { extendCorpus } from './corpus.ts';
import type { Outcome } from './fuzzer.ts';
import { record } from './record.ts';
import { runTargets } from './run-targets.ts';
import { FAMILIES } from './targets/families.ts';
import { loadAll } from './targets/load-all.ts';

const CORPUS_BYTES = 24_000;
const SAY_MS = 10_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    inputs: { type: 'string', default: '20000' },
    /** For each target. */
    seconds: { type: 'string', default: 'Infinity' },
    seed: { type: 'string' },
    blind: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    record: { type: 'string' },
    crashes: { type: 'string', default: join(import.meta.dirname, 'crashes') },
  },
});
const targets = await loadAll();
const all = targets.map(({ name }) => name);
const names = positionals.includes('all') || positionals.length === 0 ? all : positionals;
const unknown = names.filter((name) => !all.includes(name));
if (unknown.length > 0) {
  process.stderr.write(`no target ${unknown.join(', ')}; there are ${all.join(', ')}\n`);
  process.exit(1);
}
const inputs = Number(values.inputs);
const mostSeconds = Number(values.seconds);
const seed = Number(values.seed ?? Date.now() % 2 ** 32);

const startedMs = Date.now();
const outcomes = new Map<string, Outcome>();
let saidMs = startedMs;
let targetMs = startedMs;

/** One line for whoever waits: how far it is, and how long it will take at the pace so far. */
function progress(target: string, done: number): void {
  const now = Date.now();
  if (now - saidMs < SAY_MS && !process.stderr.isTTY) return;
  saidMs = now;
  const own = Math.ceil(inputs * (targets.find(({ name }) => name === target)?.share ?? 1));
  const share = (outcomes.size + done / own) / names.length;
  const left = Math.round(((now - startedMs) / share - (now - startedMs)) / 1000);
  const pace = Math.round((1000 * done) / Math.max(1, now - targetMs));
  const line = `${target}: ${done} of ${own} inputs, ${pace} a second; ${outcomes.size} of ${names.length} targets done, ${left} s left`;
  process.stderr.write(process.stderr.isTTY ? `\r${line}\u001b[K` : `${line}\n`);
}

function ends(target: string, outcome: Outcome): void {
  outcomes.set(target, outcome);
  if (values.record !== undefined)
    record(values.record, seed, Date.now() - targetMs, new Map([[target, outcome]]));
  const kept = values.keep ? extendCorpus(target, outcome.interesting, CORPUS_BYTES) : 0;
  const seconds = (Date.now() - targetMs) / 1000;
  const clear = process.stderr.isTTY ? '\r\u001b[K' : '';
  const news = `${outcome.interesting.length} reached something new${values.keep ? `, ${kept} kept` : ''}`;
  process.stdout.write(
    `${clear}${target}: ${outcome.inputs} inputs in ${seconds.toFixed(1)} s; ${news}; ${outcome.finds.length} finds\n`,
  );
  for (const { input, verdict } of outcome.finds) {
    mkdirSync(values.crashes, { recursive: true });
    const file = join(
      values.crashes,
      `${target}-${createHash('sha256').update(input).digest('hex').slice(0, 12)}`,
    );
    writeFileSync(file, input);
    process.stdout.write(
      `  ${verdict.kind}: ${verdict.message.slice(0, 1_500)}\n  input: ${Buffer.from(input.subarray(0, 300)).toString('base64')}\n  saved as ${file}\n`,
    );
  }
}

process.stdout.write(`seed ${seed}, ${inputs} inputs for each of ${names.length} targets\n`);
const listener = {
  begins: () => {
    targetMs = Date.now();
  },
  progress,
  ends,
};
for (const family of Object.keys(FAMILIES)) {
  const own = targets
    .filter((one) => one.family === family && names.includes(one.name))
    .map(({ name }) => name);
  if (own.length > 0)
    await runTargets(own, { family, seed, inputs, mostSeconds, isGuided: !values.blind }, listener);
}
const finds = [...outcomes.values()].reduce((sum, outcome) => sum + outcome.finds.length, 0);
const total = [...outcomes.values()].reduce((sum, outcome) => sum + outcome.inputs, 0);
process.stdout.write(`${total} inputs, ${finds} finds, seed ${seed}\n`);
process.exitCode = finds === 0 ? 0 : 1;
