import { costOf, readMachineRecord, withCost } from '#network/explain/machine-record.ts';
import { explain } from '#network/explain/main.ts';
import { measureMachine } from '#network/explain/measure-machine.ts';
import type { PlanProgress } from '#network/packing/general/refine-layouts.ts';
import { writeFileAtomic } from '#runtime/files.ts';
import type { ExplainCommandOptions } from '../commands/explain.ts';
import { printJson } from '../print.ts';
import { stopSignal } from '../stop-signal.ts';
import { keepMachineRecord } from './machine-record.ts';

const REPORT_EVERY_MS = 2_000;

/** Writes a line at most every two seconds. */
function progressLines(): (progress: PlanProgress) => void {
  let last = performance.now();
  return ({ step, done, total }) => {
    const now = performance.now();
    if (now - last < REPORT_EVERY_MS) return;
    last = now;
    const what = step === 'layouts' ? 'layouts' : 'layouts again, because of shortcuts';
    process.stderr.write(`… planning ${what}: ${done} of ${total}\n`);
  };
}

/** `blindsight explain NETWORK`. */
export async function explainCommand(network: string, options: ExplainCommandOptions): Promise<void> {
  const record = await readMachineRecord();
  const { explanation, text, svg } = await explain({
    network,
    ...(options.regions !== undefined && { regions: options.regions }),
    record,
    onProgress: progressLines(),
    machine: async (ring) => {
      const kept = options.measure ? null : costOf(record, ring);
      if (kept !== null) return kept;
      process.stderr.write(`… measuring this machine at N = ${ring.ringDegree}\n`);
      const measured = await measureMachine(ring, stopSignal());
      await keepMachineRecord(withCost(record, ring, measured));
      return measured;
    },
  });
  if (options.svg !== undefined) await writeFileAtomic(options.svg, svg);
  if (options.json) printJson(explanation);
  else process.stdout.write(text);
}
