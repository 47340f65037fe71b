import type { Clock } from '#runtime/clock.ts';
import type { Logger } from '#runtime/log.ts';
import type { Store } from '../store/store.ts';

export type HeardRelayOptions = {
  readonly store: Pick<Store, 'challenges' | 'heard'>;
  readonly clock: Clock;
  readonly log: Logger;
};

const LOOK_MS = 1_000;
/** An auditor that starts reads what was noted in this time; a gateway heard longer ago owes nothing. */
const PAST_MS = 60_000;

/** Tells an auditor which gateways were heard, where it is another process than the decryptors: through the store, once a second, of gateways that were asked something. */
export class HeardRelay {
  readonly #options: HeardRelayOptions;
  readonly #heard = new Map<string, number>();

  constructor(options: HeardRelayOptions) {
    this.#options = options;
  }

  /** In the decryptor: an envelope of a gateway arrived, and is its own. */
  heard(gateway: string, receivedMs: number): void {
    this.#heard.set(gateway, Math.max(receivedMs, this.#heard.get(gateway) ?? 0));
  }

  /** In the decryptor: notes what was heard, until the signal aborts. */
  send(signal: AbortSignal): Promise<void> {
    const { store, clock } = this.#options;
    return this.#every(signal, async () => {
      const asked = new Set((await store.challenges.asked()).map(({ gateway }) => gateway));
      const heard = [...this.#heard];
      const nowMs = clock.now();
      const owing = heard.filter(([gateway]) => asked.has(gateway));
      await store.heard.note(owing.map(([gateway, receivedMs]) => [gateway, nowMs - receivedMs]));
      // It may have been heard again meanwhile.
      for (const [gateway, receivedMs] of heard)
        if (this.#heard.get(gateway) === receivedMs) this.#heard.delete(gateway);
    });
  }

  /** In the auditor: passes on what decryptors have heard, by the clock of here, until the signal aborts. */
  receive(signal: AbortSignal, heard: (gateway: string, receivedMs: number) => void): Promise<void> {
    const { store, clock } = this.#options;
    const known = new Map<string, number>();
    return this.#every(signal, async () => {
      const last = await store.heard.within(PAST_MS);
      const nowMs = clock.now();
      for (const { gateway, heardMs, agoMs } of last) {
        if (known.get(gateway) === heardMs) continue;
        known.set(gateway, heardMs);
        heard(gateway, nowMs - agoMs);
      }
    });
  }

  async #every(signal: AbortSignal, act: () => Promise<void>): Promise<void> {
    const { clock, log } = this.#options;
    while (!signal.aborted) {
      await act().catch((error: unknown) =>
        log.warn({ err: error }, 'auditors could not be told who was heard'),
      );
      await clock.sleep(LOOK_MS, signal).catch(() => {});
    }
  }
}
