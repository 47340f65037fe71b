import { measureMachine } from '#fhe/design';
import { costOf, readMachineRecord, withCost } from '#network/explain/machine-record.ts';
import { explain } from '#network/explain/main.ts';
import type { PlanProgress } from '#network/packing/general/refine-layouts.ts';
import { EXIT } from '#runtime/exit.ts';
import { writeFileAtomic } from '#runtime/files.ts';
import type { ExplainCommandOptions } from '../commands/explain.ts';
import { printJson } from '../print.ts';
import { Progress } from '../progress.ts';
import { stopSignal } from '../stop-signal.ts';
import { keepMachineRecord } from './machine-record.ts';

/** Nothing is said of a plan that is there sooner. */
const QUIET_MS = 2_000;

function planLines(progress: Progress): (report: PlanProgress) => void {
  const start = performance.now();
  return ({ step, done, total }) => {
    if (performance.now() - start < QUIET_MS) return;
    const what = step === 'layouts' ? 'layouts' : 'layouts again, because of shortcuts';
    progress.update(step, `planning ${what}: ${done} of ${total}`, done / total);
  };
}

/** `blindsight explain NETWORK`. */
export async function explainCommand(network: string, options: ExplainCommandOptions): Promise<void> {
  const progress = new Progress();
  // Planning gives the event loop no turn, so a handler for Ctrl-C is set only when a signal can be heard.
  const stop: { signal?: AbortSignal } = {};
  try {
    await explainUntil(stop, network, options, progress);
  } catch (error) {
    progress.end();
    if (!stop.signal?.aborted) throw error;
    process.stderr.write('stopped\n');
    process.exitCode = EXIT.interrupted;
  }
}

async function explainUntil(
  stop: { signal?: AbortSignal },
  network: string,
  options: ExplainCommandOptions,
  progress: Progress,
): Promise<void> {
  const record = await readMachineRecord();
  const { explanation, text, svg } = await explain({
    network,
    ...(options.regions !== undefined && { regions: options.regions }),
    record,
    onProgress: planLines(progress),
    machine: async (ring) => {
      const kept = options.measure ? null : costOf(record, ring);
      if (kept !== null) return kept;
      stop.signal = stopSignal();
      progress.update('machine', `measuring this machine at N = ${ring.ringDegree}`);
      const measured = await measureMachine(ring, stop.signal);
      await keepMachineRecord(withCost(record, ring, measured));
      return measured;
    },
  });
  progress.end();
  if (options.svg !== undefined) await writeFileAtomic(options.svg, svg);
  if (options.json) printJson(explanation);
  else process.stdout.write(text);
}
