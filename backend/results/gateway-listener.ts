import type { z } from 'zod';
import { BlindsightError } from '#protocol/errors.ts';
import {
  Birth,
  CameraState,
  GatewayState,
  Health,
  LogEvent,
  MAX_NOTED_SESSION,
  Reported,
  type SessionCommand,
} from '#protocol/messages.ts';
import { GatewayName } from '#protocol/names.ts';
import { parseMessage } from '#protocol/parse-message.ts';
import { gatewayTopics, siteTopics } from '#protocol/topics.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Link } from '#runtime/link.ts';
import type { Logger } from '#runtime/log.ts';
import { MinuteBudget } from '#runtime/minute-budget.ts';
import { RareLines } from '#runtime/rare-lines.ts';
import { REPORTED_EVENTS } from '../configuration/configuration-service.ts';
import type { Store } from '../store/store.ts';
import type { Arrival } from './gateway-presence.ts';
import type { SiteView } from './site-view.ts';

export type GatewayListenerOptions = {
  readonly store: Store;
  readonly site: string;
  readonly view: SiteView;
  /** Told what a gateway reports about its bundle and configuration. */
  readonly reported: (gateway: string, report: Reported) => Promise<void>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onChange: () => void;
};

/**
 * Messages of one gateway that are looked at in a minute, answers aside. One with 64 cameras sends some 200 when it comes back; each costs a look at the
 * store, and a retained one that is left comes again when the backend connects.
 */
export const MESSAGES_A_MINUTE = 1200;

/** Listens to what enrolled gateways report about themselves, and passes it to view, store and journal. */
export class GatewayListener {
  readonly #options: GatewayListenerOptions;
  readonly #budget: MinuteBudget;
  readonly #messages: MinuteBudget;
  readonly #rare: RareLines;

  constructor(options: GatewayListenerOptions) {
    this.#options = options;
    this.#budget = new MinuteBudget(options.clock);
    this.#messages = new MinuteBudget(options.clock, MESSAGES_A_MINUTE);
    this.#rare = new RareLines(options.clock);
  }

  /** Subscribes on a link. */
  listen(link: Pick<Link, 'subscribe' | 'publish'>): void {
    const { site, view } = this.#options;
    const { anyGateway } = siteTopics(site);
    this.#on(link, anyGateway('birth'), Birth, (gateway, birth, { arrival }) => {
      view.heard(gateway, arrival, birth.time, birth.session);
      view.setVersion(gateway, birth.version);
      return this.#birth(link, gateway, birth);
    });
    this.#on(link, anyGateway('state'), GatewayState, (gateway, state, { arrival }) =>
      view.setGatewayState(gateway, state, arrival),
    );
    this.#on(link, anyGateway('health'), Health, (gateway, health, { arrival }) => {
      view.heard(gateway, arrival, health.time, health.session);
      return view.setHealth(gateway, health, arrival) ? this.#runsTwice(gateway) : undefined;
    });
    this.#on(link, anyGateway('log'), LogEvent, (gateway, event, { arrival }) => {
      view.heard(gateway, arrival, event.time);
      return this.#log(gateway, event);
    });
    this.listenToReports(link);
    this.#on(link, anyGateway('camera/+/state'), CameraState, (gateway, state, { levels, arrival }) => {
      view.heard(gateway, arrival);
      return this.#cameraState(gateway, state, levels[5]);
    });
  }

  /** Subscribes to what gateways report about what they were sent, and to nothing else: for a process beside the one that listens to all. */
  listenToReports(link: Pick<Link, 'subscribe'>): void {
    const { site, view, reported } = this.#options;
    this.#on(
      link,
      siteTopics(site).anyGateway('reported'),
      Reported,
      async (gateway, report, { arrival }) => {
        view.heard(gateway, arrival, report.time, report.session);
        view.setReported(gateway, report);
        await reported(gateway, report);
      },
    );
  }

  #on<T>(
    link: Pick<Link, 'subscribe'>,
    filter: string,
    schema: z.ZodType<T>,
    handle: (
      gateway: string,
      message: T,
      about: { readonly levels: readonly string[]; readonly arrival: Arrival },
    ) => Promise<void> | void,
  ): void {
    const { store, clock, log, onChange } = this.#options;
    link.subscribe(filter, (topic, payload, { retain: retained }) => {
      // Before anything is waited for: the order in which messages come decides which of them is the present.
      const arrival = { atMs: clock.now(), monotonicMs: clock.monotonic(), retained };
      const levels = topic.split('/');
      const gateway = levels[3] ?? '';
      // An empty payload clears a retained message; `backend/state` is our own.
      if (payload.length === 0 || !GatewayName.safeParse(gateway).success) return;
      if (!this.#messages.take(gateway)) return this.#leave(gateway);
      const work = async () => {
        const message = parseMessage(schema, payload);
        if ((await store.gateways.get(gateway)) === null) return;
        await handle(gateway, message, { levels, arrival });
        onChange();
      };
      work().catch((error: unknown) => {
        const code = error instanceof BlindsightError ? error.code : undefined;
        const count = this.#rare.take(`${gateway} ${code ?? ''}`);
        if (count > 0)
          log.warn(
            { gateway, topic, code, count, err: error },
            'a message from a gateway was not understood',
          );
      });
    });
  }

  /** A flood costs a look at a clock. */
  #leave(gateway: string): void {
    const count = this.#rare.take(`${gateway} flood`);
    if (count === 0) return;
    const message = `${gateway} sends more than ${MESSAGES_A_MINUTE} messages a minute, answers aside: the rest of this minute is left`;
    this.#options.log.warn({ gateway, count }, message);
  }

  async #birth(link: Pick<Link, 'publish'>, gateway: string, birth: Birth): Promise<void> {
    const { log } = this.#options;
    if (birth.gateway !== gateway) return;
    log.info({ gateway, session: birth.session, version: birth.version }, 'gateway connected');
    await this.#sayWhatSessionIsFree(link, gateway, birth);
    if (birth.certificate !== undefined) await this.#noteCertificate(gateway, birth.certificate);
    for (const camera of birth.cameras) await this.#claim(gateway, camera);
    const { store, clock } = this.#options;
    await store.cameras.setPresent(gateway, birth.cameras, clock.now());
  }

  /** A renewed certificate counts once its gateway shows it. */
  async #noteCertificate(gateway: string, serial: string): Promise<void> {
    const { store } = this.#options;
    const shown = await store.certificates.get(serial);
    if (shown?.kind === 'gateway' && shown.name === gateway && shown.revokedMs === null)
      await store.gateways.setCertificate(gateway, shown.serial, shown.endsMs);
  }

  async #sayWhatSessionIsFree(
    link: Pick<Link, 'publish'>,
    gateway: string,
    { session, time }: Birth,
  ): Promise<void> {
    const { store, site, log } = this.#options;
    const isNoted = session <= MAX_NOTED_SESSION;
    const atLeast = isNoted ? await store.gateways.begin(gateway, session, time) : session;
    const command: SessionCommand = { atLeast };
    const topic = gatewayTopics(site, gateway).command('session', String(session));
    link.publish(topic, JSON.stringify(command)).catch((error: unknown) => {
      log.debug({ gateway, err: error }, 'a gateway could not be told about its session');
    });
  }

  async #runsTwice(gateway: string): Promise<void> {
    const { store, clock, log } = this.#options;
    const code = 'GATEWAY_RUNS_TWICE';
    const message = `two processes with the identity of gateway ${gateway} keep disconnecting each other`;
    log.warn({ gateway, code }, message);
    await store.journal.add({
      ...{ timeMs: clock.now(), level: 'warn', code, subject: gateway, message },
      because: gateway,
    });
  }

  async #claim(gateway: string, camera: string): Promise<void> {
    const { store, clock, log } = this.#options;
    const owner = await store.cameras.claim(camera, gateway, clock.now());
    if (owner === gateway) return;
    await store.counters.add('refused.camera');
    if (!this.#budget.take(gateway)) return;
    const why = owner === null ? 'but already has as many as it may' : `which belongs to gateway ${owner}`;
    const message = `gateway ${gateway} announces camera ${camera}, ${why}`;
    log.warn({ gateway, camera, owner }, message);
    await store.journal.add({
      timeMs: clock.now(),
      level: 'warn',
      code: 'CAMERA_CONFLICT',
      subject: camera,
      message,
      because: gateway,
    });
  }

  async #cameraState(gateway: string, state: CameraState, camera: string | undefined): Promise<void> {
    if (state.camera !== camera) return;
    if ((await this.#options.store.cameras.owner(camera)) === gateway)
      this.#options.view.setCameraState(state);
  }

  async #log(gateway: string, event: LogEvent): Promise<void> {
    const { store, clock } = this.#options;
    if (REPORTED_EVENTS.includes(event.code)) return;
    if (!this.#budget.take(gateway)) return;
    await store.journal.addReported(gateway, event, clock.now());
  }
}
