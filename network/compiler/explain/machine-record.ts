import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { cpus, homedir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { encodeProgram, type Program } from '#fhe';
import { engineThreads, kernelDigest, type MachineCost, type RingChoice } from '#fhe/design';

const Cost = z.strictObject({
  transformNs: z.number().nonnegative(),
  conversionNs: z.number().nonnegative(),
  keyProductNs: z.number().nonnegative(),
  productNs: z.number().nonnegative(),
  passNs: z.number().nonnegative(),
  sampleNs: z.number().nonnegative(),
  barrierNs: z.number().nonnegative(),
});

const Run = z.strictObject({
  /** Median of a frame: encryption and evaluation. */
  medianMs: z.number().positive(),
  p95Ms: z.number().positive(),
  frames: z.int().positive(),
  /** ISO 8601. */
  at: z.iso.datetime(),
});

const Stored = z.strictObject({
  identity: z.string(),
  /** By {@link ringKey}. */
  costs: z.record(z.string(), Cost),
  /** By {@link programKey}. */
  runs: z.record(z.string(), Run),
});

/** Frame times of a program on this machine. */
export type MeasuredRun = z.infer<typeof Run>;

/** Measurements of this machine with this kernel: unit costs by ring, and runs by program. Plain data. */
export type MachineRecord = z.infer<typeof Stored>;

/** Changes when the machine, its threads, the kernel or the measurement method changes. */
export function machineIdentity(): string {
  const text = [5, cpus()[0]?.model ?? '', process.arch, engineThreads(), process.version, kernelDigest()];
  return createHash('sha256').update(text.join('|')).digest('hex').slice(0, 16);
}

/** The file of measurements: `$XDG_CACHE_HOME/blindsight`, or that of the user's home. */
export function machineCacheFile(): string {
  const base = process.env.XDG_CACHE_HOME ?? path.join(homedir(), '.cache');
  return path.join(base, 'blindsight', 'machine.json');
}

/** The record of this machine; empty if the file is missing, broken, or about another machine or kernel. */
export async function readMachineRecord(): Promise<MachineRecord> {
  const identity = machineIdentity();
  try {
    const stored = Stored.parse(JSON.parse(await readFile(machineCacheFile(), 'utf8')));
    if (stored.identity === identity) return stored;
  } catch {
    // Treated as missing: it is measured again.
  }
  return { identity, costs: {}, runs: {} };
}

function ringKey({ ringDegree, alpha }: RingChoice): string {
  return `${ringDegree}/${alpha}`;
}

/** Identifies a program: the same for all weights of an architecture, whatever the network's name. */
export function programKey(program: Program): string {
  return createHash('sha256')
    .update(encodeProgram({ ...program, name: '' }))
    .digest('hex')
    .slice(0, 32);
}

/** Measured unit costs of a ring; null where there are none. */
export function costOf(record: MachineRecord, ring: RingChoice): MachineCost | null {
  return record.costs[ringKey(ring)] ?? null;
}

/** The ring in which a program runs. */
export function ringOf({ parameters: { ringDegree, specialModuli } }: Program): RingChoice {
  return { ringDegree, alpha: Math.max(1, specialModuli.length) };
}

export function withCost(record: MachineRecord, ring: RingChoice, cost: MachineCost): MachineRecord {
  return { ...record, costs: { ...record.costs, [ringKey(ring)]: cost } };
}

/** Frame times of a program's last run; null if it never ran. */
export function runOf(record: MachineRecord, program: Program): MeasuredRun | null {
  return record.runs[programKey(program)] ?? null;
}

/** Programs that are remembered; the oldest are forgotten first. */
const MOST_RUNS = 64;

export function withRun(record: MachineRecord, program: Program, run: MeasuredRun): MachineRecord {
  const runs = Object.entries({ ...record.runs, [programKey(program)]: run })
    .sort(([, a], [, b]) => (a.at < b.at ? 1 : -1))
    .slice(0, MOST_RUNS);
  return { ...record, runs: Object.fromEntries(runs) };
}
