import { totalmem } from 'node:os';
import type { AgentConfig } from '#config/schema.ts';
import { type HostOptions, InterpreterHost } from './interpreter-host.ts';

type Inference = AgentConfig['inference'];

/** Whether an interpreter is as settings want it. */
export function fits(
  { kind, threads, memoryBytes }: Pick<InterpreterHost, 'kind' | 'threads' | 'memoryBytes'>,
  inference: Inference,
): boolean {
  const { interpreter } = inference;
  return kind === interpreter && threads === inference.threads && memoryBytes === engineBytes(inference);
}

/** Of the thread that an engine runs in, and of what it copies. */
const THREAD_BYTES = 64 * 2 ** 20;

/** What an engine may have in memory: what the settings say, or else three quarters of what the machine has. */
export function engineBytes({ memoryMegabytes }: Inference): number {
  const most = memoryMegabytes === undefined ? 0.75 * machineBytes() : memoryMegabytes * 2 ** 20;
  return Math.max(0, Math.floor(most - THREAD_BYTES));
}

/** A container or a service may have less than the machine. */
function machineBytes(): number {
  return Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
}

/** What all networks together may have in memory. */
export function networkBytes({ memoryMegabytes }: Inference): number {
  return memoryMegabytes === undefined ? machineBytes() / 2 : memoryMegabytes * 2 ** 20;
}

/** Opens a bundle by the settings of now, also where they change meanwhile. */
export async function openFitting(
  options: Omit<HostOptions, 'kind' | 'threads' | 'memoryBytes'>,
  inference: () => Inference,
): Promise<InterpreterHost> {
  for (;;) {
    const { interpreter: kind, threads } = inference();
    const memoryBytes = engineBytes(inference());
    const host = await InterpreterHost.open({ ...options, kind, threads, memoryBytes });
    if (fits(host, inference())) return host;
    await host.close();
  }
}
