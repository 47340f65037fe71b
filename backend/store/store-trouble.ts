import { BlindsightError } from '#protocol/errors.ts';

/** Why a store cannot be used now: its disk is full, or its database does not answer. Ends by itself when the cause does. */
export type StoreTrouble = BlindsightError & { readonly code: 'DISK_FULL' | 'STORE_UNAVAILABLE' };

export function isStoreTrouble(error: unknown): error is StoreTrouble {
  return (
    error instanceof BlindsightError && (error.code === 'DISK_FULL' || error.code === 'STORE_UNAVAILABLE')
  );
}
