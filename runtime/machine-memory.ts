import { totalmem } from 'node:os';

/** Memory that this process may have at most, in bytes: a container or a service may have less than the machine. */
export function machineMemory(): number {
  return Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
}
