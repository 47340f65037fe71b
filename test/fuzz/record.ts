import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import type { Outcome } from './fuzzer.ts';

type Row = { inputs: number; interesting: number; functions: number; idleBlocks: number; finds: number };
type Record = {
  readonly commits: string[];
  readonly machine: string;
  readonly node: string;
  readonly seeds: number[];
  seconds: number;
  inputs: number;
  readonly targets: { [name: string]: Row };
};

function fresh(): Record {
  const [cpu] = cpus();
  const machine = `${cpus().length} × ${cpu?.model ?? 'unknown'}`;
  return { commits: [], machine, node: process.version, seeds: [], seconds: 0, inputs: 0, targets: {} };
}

/** Adds a run to a file of what was run: inputs add up, coverage is that of the run that reached most. */
export function record(file: string, seed: number, ms: number, outcomes: ReadonlyMap<string, Outcome>): void {
  const whole = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Record) : fresh();
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  if (!whole.commits.includes(commit)) whole.commits.push(commit);
  if (!whole.seeds.includes(seed)) whole.seeds.push(seed);
  whole.seconds += Math.round(ms / 1000);
  for (const [name, outcome] of outcomes) {
    const before = whole.targets[name] ?? {
      inputs: 0,
      interesting: 0,
      functions: 0,
      idleBlocks: 0,
      finds: 0,
    };
    const isMore = outcome.functions >= before.functions;
    whole.targets[name] = {
      inputs: before.inputs + outcome.inputs,
      interesting: before.interesting + outcome.interesting.length,
      functions: isMore ? outcome.functions : before.functions,
      idleBlocks: isMore ? outcome.idleBlocks : before.idleBlocks,
      finds: before.finds + outcome.finds.length,
    };
  }
  whole.inputs = Object.values(whole.targets).reduce((sum, row) => sum + row.inputs, 0);
  writeFileSync(file, `${JSON.stringify(whole, null, 2)}\n`);
}
