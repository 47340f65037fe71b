import path from 'node:path';
import { explain } from '#network/explain/main.ts';
import {
  machineCacheFile,
  machineIdentity,
  measureMachine,
  readMachine,
} from '#network/explain/measure-machine.ts';
import { ensureDirectory, writeFileAtomic } from '#runtime/files.ts';
import { printJson } from '../print.ts';
import { stopSignal } from '../stop-signal.ts';

/** `blindsight explain NETWORK`. */
export async function explainCommand(
  network: string,
  options: { json?: boolean; svg?: string; measure?: boolean },
): Promise<void> {
  const kept = options.measure ? null : await readMachine();
  let machine = kept;
  if (machine === null) {
    process.stderr.write('… measuring this machine\n');
    machine = await measureMachine(stopSignal());
    await keep(JSON.stringify({ identity: machineIdentity(), ...machine }));
  }
  const { explanation, text, svg } = await explain({ network, machine });
  if (options.svg !== undefined) await writeFileAtomic(options.svg, svg);
  if (options.json) printJson(explanation);
  else process.stdout.write(text);
}

/** Remembers a measurement. A home that cannot be written only means measuring again. */
async function keep(text: string): Promise<void> {
  try {
    await ensureDirectory(path.dirname(machineCacheFile()));
    await writeFileAtomic(machineCacheFile(), text);
  } catch {
    process.stderr.write(`… ${machineCacheFile()} cannot be written: the next run measures again\n`);
  }
}
