import { totalmem } from 'node:os';
import type { AgentConfig } from '#config/schema.ts';
import { type HostOptions, InterpreterHost } from './interpreter-host.ts';

type Inference = AgentConfig['inference'];

/** Whether an interpreter is as settings want it. */
export function fits(
  { kind, threads }: Pick<InterpreterHost, 'kind' | 'threads'>,
  inference: Inference,
): boolean {
  return kind === inference.interpreter && threads === inference.threads;
}

/** What all networks together may have in memory. */
export function networkBytes({ memoryMegabytes }: Inference): number {
  // A container or a service may have less than the machine.
  const machine = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
  return memoryMegabytes === undefined ? machine / 2 : memoryMegabytes * 2 ** 20;
}

/** Opens a bundle by the settings of now, also where they change meanwhile. */
export async function openFitting(
  options: Omit<HostOptions, 'kind' | 'threads'>,
  inference: () => Inference,
): Promise<InterpreterHost> {
  for (;;) {
    const { interpreter: kind, threads } = inference();
    const host = await InterpreterHost.open({ ...options, kind, threads });
    if (fits(host, inference())) return host;
    await host.close();
  }
}
