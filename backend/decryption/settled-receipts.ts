import type { Clock } from '#runtime/clock.ts';
import type { Logger } from '#runtime/log.ts';
import type { DueReceipt } from '../store/due-receipts.ts';
import type { Store } from '../store/store.ts';
import type { ReceiptSender } from './receipt-sender.ts';

export type SettledReceiptsOptions = {
  readonly store: Pick<Store, 'dueReceipts'>;
  readonly receipts: Pick<ReceiptSender, 'add'>;
  readonly clock: Clock;
  readonly log: Logger;
};

const LOOK_MS = 100;
const PORTION = 1_000;
/**
 * A receipt comes whole seconds after its envelope: were it sent when that is settled, a gateway could tell from many of them how long decryptions
 * take, or what becomes of what it makes up. So it sees at most how many seconds the backend is behind.
 */
const STEP_MS = 1_000;

/** Sends the receipts of what waits outside of the store: only what is settled has one. */
export class SettledReceipts {
  readonly #options: SettledReceiptsOptions;

  constructor(options: SettledReceiptsOptions) {
    this.#options = options;
  }

  /** Until the signal aborts. What is on its way then is without a receipt, and comes again. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, store, receipts, log } = this.#options;
    let waiting: { readonly due: DueReceipt; readonly atMs: number }[] = [];
    while (!signal.aborted) {
      try {
        for (let isMore = true; isMore; ) {
          const due = await store.dueReceipts.take(PORTION);
          waiting.push(...due.map((one) => ({ due: one, atMs: this.#sendAt(one) })));
          isMore = due.length === PORTION;
        }
      } catch (error) {
        log.warn({ err: error }, 'it could not be read which answers are settled, so gateways wait for it');
      }
      const nowMs = clock.monotonic();
      for (const { due, atMs } of waiting) if (atMs <= nowMs) receipts.add(due.gateway, due.digest);
      waiting = waiting.filter(({ atMs }) => atMs > nowMs);
      await clock.sleep(LOOK_MS, signal).catch(() => {});
    }
  }

  /** By the monotonic clock, and a step away at most, whatever the other one did meanwhile. */
  #sendAt({ receivedMs }: DueReceipt): number {
    const { clock } = this.#options;
    const ageMs = clock.now() - receivedMs;
    const leftMs = ageMs <= 0 ? STEP_MS : Math.ceil(ageMs / STEP_MS) * STEP_MS - ageMs;
    return clock.monotonic() + leftMs;
  }
}
