import { BlindsightError } from '#protocol/errors.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Logger } from '#runtime/log.ts';
import { RetryLadder } from '#runtime/retry.ts';
import type { Site } from '../site.ts';
import { type Delivery, TRIED_MS } from '../store/deliveries.ts';
import { openChannel } from './channels.ts';
import { type DeliverOptions, deliverAlert } from './deliver-alert.ts';

export type DeliveryServiceOptions = {
  readonly site: Pick<Site, 'name' | 'store' | 'vault'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly deliver?: Pick<DeliverOptions, 'timeoutMs' | 'lookup'>;
  /** Uniform in [0, 1). */
  readonly random?: () => number;
  /** Alerts that may wait for one channel; beyond that the oldest are given up. */
  readonly maxWaiting?: number;
  /** How soon an alert is noticed that another process has raised. */
  readonly pollMs?: number;
};

const POLL_MS = 1000;
const SWEEP_MS = 3_600_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** How often an alert is sent again at least, whatever a clock says that jumps. */
const LEAST_ATTEMPTS = 5;
/** How long it is known what became of a delivery. */
const KEPT_MS = 30 * DAY_MS;
const MAX_WAITING = 10_000;
const BATCH = 20;
/** Failures in a row after which the journal says that a channel does not work. */
const TROUBLE = 3;

const WAITS_MS = [5_000, 15_000, 60_000, 5 * 60_000, 15 * 60_000, 30 * 60_000, HOUR_MS];

type Channel = {
  readonly ladder: RetryLadder;
  failures: number;
  /** Something may wait on because of a failure, perhaps from before the start. */
  isHeldBack: boolean;
  isBusy: boolean;
};

/**
 * Sends the alerts that wait in the store through their channels: each channel by itself, so that none waits for another, at least once, and again for days where the
 * other side does not take them.
 */
export class DeliveryService {
  readonly #options: DeliveryServiceOptions;
  readonly #channels = new Map<string, Channel>();
  readonly #work = new Set<Promise<void>>();
  #wake: () => void = () => {};

  constructor(options: DeliveryServiceOptions) {
    this.#options = options;
  }

  /** There may be something new. */
  wake(): void {
    this.#wake();
  }

  /** Works until the signal aborts; resolves when nothing is on its way any more. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, pollMs = POLL_MS } = this.#options;
    let sweptMs = Number.NEGATIVE_INFINITY;
    while (!signal.aborted) {
      const { promise: woken, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      try {
        await this.#look(signal);
        if (clock.monotonic() - sweptMs >= SWEEP_MS) {
          await this.#sweep();
          sweptMs = clock.monotonic();
        }
      } catch (error) {
        log.warn({ err: error }, 'alerts are waiting because the store did not say which to deliver');
      }
      const rest = new AbortController();
      await Promise.race([
        clock.sleep(pollMs, AbortSignal.any([signal, rest.signal])).catch(() => {}),
        woken,
      ]);
      rest.abort();
    }
    await Promise.all(this.#work);
  }

  /** Begins with what is due, for each channel that is not at work. */
  async #look(signal: AbortSignal): Promise<void> {
    const { store } = this.#options.site;
    for (const name of await store.deliveries.channels()) {
      const channel = this.#channelOf(name);
      if (channel.isBusy) continue;
      channel.isBusy = true;
      const work = this.#serve(name, channel, signal)
        .catch((error: unknown) => {
          if (!signal.aborted)
            this.#options.log.warn({ err: error, channel: name }, 'an alert waits; it is tried again');
        })
        .finally(() => {
          channel.isBusy = false;
          this.#work.delete(work);
        });
      this.#work.add(work);
    }
  }

  #channelOf(name: string): Channel {
    const known = this.#channels.get(name);
    if (known !== undefined) return known;
    const ladder = new RetryLadder(WAITS_MS, this.#options.random);
    const channel = { ladder, failures: 0, isHeldBack: true, isBusy: false };
    this.#channels.set(name, channel);
    return channel;
  }

  /** Sends what is due through one channel, until something fails. */
  async #serve(name: string, channel: Channel, signal: AbortSignal): Promise<void> {
    const { site, clock } = this.#options;
    for (;;) {
      const due = await site.store.deliveries.due(name, clock.now(), WAITS_MS.at(-1)!, BATCH);
      for (const delivery of due) {
        if (signal.aborted || !(await this.#attempt(delivery, channel, signal))) return;
      }
      if (due.length < BATCH) return;
    }
  }

  /** @returns whether the channel can go on. */
  async #attempt(delivery: Delivery, channel: Channel, signal: AbortSignal): Promise<boolean> {
    const { site, clock, deliver } = this.#options;
    const settings = await openChannel(site, delivery.channel);
    if (settings === null) {
      await this.#giveUp(delivery, `there is no channel ${delivery.channel}`);
      return true;
    }
    const { key, alert } = delivery;
    try {
      const outgoing = { delivery: key, site: site.name, alert };
      await deliverAlert(settings, outgoing, { ...deliver, signal, nowMs: clock.now() });
    } catch (error) {
      // Not its fault that we end: it is as it was.
      if (signal.aborted) return false;
      await this.#failed(delivery, channel, error);
      return false;
    }
    await site.store.deliveries.delivered(delivery, clock.now(), channel.isHeldBack);
    channel.isHeldBack = false;
    await this.#works(delivery.channel, channel);
    return true;
  }

  async #failed(delivery: Delivery, channel: Channel, error: unknown): Promise<void> {
    const { site, clock, log } = this.#options;
    // What is not one of ours may say anything, also what is secret.
    const reason =
      error instanceof BlindsightError ? `${error.code}: ${error.message}` : 'it could not be sent';
    const { channel: name } = delivery;
    channel.failures += 1;
    channel.isHeldBack = true;
    log.warn(
      { channel: name, alert: delivery.alert.id, attempt: delivery.attempts + 1 },
      `an alert waits: ${reason}`,
    );
    const nowMs = clock.now();
    if (nowMs - delivery.createdMs >= TRIED_MS && delivery.attempts + 1 >= LEAST_ATTEMPTS)
      await this.#giveUp(delivery, reason);
    else await site.store.deliveries.failed(delivery, reason, nowMs + channel.ladder.next());
    if (channel.failures !== TROUBLE) return;
    await site.store.journal.add({
      ...{ timeMs: nowMs, level: 'warn', code: 'CHANNEL_FAILS', subject: name },
      message: `alerts wait because channel ${name} does not take them: ${reason}`,
    });
  }

  async #works(name: string, channel: Channel): Promise<void> {
    channel.ladder.reset();
    const { failures } = channel;
    channel.failures = 0;
    if (failures < TROUBLE) return;
    await this.#options.site.store.journal.add({
      ...{ timeMs: this.#options.clock.now(), level: 'info', code: 'CHANNEL_WORKS', subject: name },
      message: `channel ${name} takes alerts again`,
    });
  }

  async #giveUp(delivery: Delivery, reason: string): Promise<void> {
    const { site, clock } = this.#options;
    const { channel, alert } = delivery;
    const timeMs = clock.now();
    await site.store.transaction(async (inside) => {
      await inside.deliveries.giveUp(delivery, reason, timeMs);
      await inside.journal.add({
        ...{ timeMs, level: 'error', code: 'ALERT_UNDELIVERED', subject: channel },
        message: `alert ${alert.id} of rule ${alert.rule} was not delivered through ${channel}: ${reason}`,
      });
    });
  }

  /** Removes what nobody asks for any more, and what is too much. */
  async #sweep(): Promise<void> {
    const { site, clock, maxWaiting = MAX_WAITING } = this.#options;
    const { store } = site;
    const timeMs = clock.now();
    await store.deliveries.removeSettledBefore(timeMs - KEPT_MS);
    await store.alerts.removeOld();
    for (const name of await store.deliveries.channels()) {
      await store.transaction(async (inside) => {
        const reason = `more than ${maxWaiting} alerts wait for it`;
        const dropped = await inside.deliveries.giveUpBeyond(name, maxWaiting, reason, timeMs);
        if (dropped === 0) return;
        await inside.journal.add({
          ...{ timeMs, level: 'error', code: 'ALERT_UNDELIVERED', subject: name },
          message: `${dropped} alerts, the oldest, are not delivered through ${name}: ${reason}`,
        });
      });
    }
  }
}
