import { BlindsightError } from '#protocol/errors.ts';

const CODES = [
  'DISK_FULL',
  'STORE_UNAVAILABLE',
  'STORE_READ_ONLY',
  'QUEUE_UNAVAILABLE',
  'QUEUE_FORBIDDEN',
  'QUEUE_FULL',
] as const;

/** Why a store, or the queue beside it, cannot be used now: its disk is full, or its server does not answer or write. Ends by itself when the cause does. */
export type StoreTrouble = BlindsightError & { readonly code: (typeof CODES)[number] };

export function isStoreTrouble(error: unknown): error is StoreTrouble {
  return error instanceof BlindsightError && (CODES as readonly string[]).includes(error.code);
}
