import type { Snapshot } from './snapshot.ts';

/** How a gateway does, as one line for people. */
export function statusLine({ cameras, isRunning, reported, outbox, obstacle }: Snapshot): string {
  const streaming = cameras.filter(({ state }) => state === 'streaming').length;
  return [
    `${streaming} of ${cameras.length} cameras streaming`,
    isRunning ? 'program runs' : `no program runs (bundle: ${reported.bundle.status})`,
    `${outbox.waiting} answers wait${obstacle === null ? '' : ` (${obstacle})`}`,
  ].join(', ');
}
