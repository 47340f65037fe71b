import type { z } from 'zod';
import { CHALLENGE_TYPE } from '#protocol/challenge.ts';
import type { JournalCode } from '#protocol/events.ts';
import type { Birth, ChunkRequest, GatewayState, Reported } from '#protocol/messages.ts';
import {
  BackendState,
  type CameraState,
  type Health,
  type LogEvent,
  MAX_NOTED_SESSION,
  Receipt,
  SessionCommand,
} from '#protocol/messages.ts';
import { parseMessage } from '#protocol/parse-message.ts';
import { gatewayTopics, siteTopics } from '#protocol/topics.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Farewell, Link, MessageHandler, Will } from '#runtime/link.ts';
import type { Logger } from '#runtime/log.ts';
import type { CameraList } from './camera-list.ts';
import type { SessionCounter } from './session-counter.ts';

export type UplinkOptions = {
  readonly site: string;
  readonly gateway: string;
  readonly sessions: SessionCounter;
  readonly clock: Clock;
  readonly log: Logger;
  /** Makes the link; the will is asked for each connection. */
  readonly connect: (will: () => Promise<Will>) => Link;
  readonly birth: () => Pick<Birth, 'version' | 'platform' | 'cameras' | 'bundle' | 'certificate'>;
  readonly cameraStates: () => readonly CameraState[];
  /** Cameras that are gone and whose retained state is to be cleared; see `CameraList`. */
  readonly goneCameras: Pick<CameraList, 'gone' | 'forget'>;
  readonly reported: () => Pick<Reported, 'bundle' | 'networks' | 'configuration' | 'software' | 'trust'>;
  /** The link came up; birth and states are on their way already. */
  readonly onUp: () => void;
  /** The newest version of envelopes that the backend said it takes, before {@link onBackend}. */
  readonly onEnvelopes?: (newest: number) => void;
  /** Session of the backend while it is there, null while it is away. */
  readonly onBackend: (session: number | null) => void;
  readonly onReceipt: (digests: readonly string[]) => void;
  /** @param network the name of one beside the default one */
  readonly onManifest: (wire: Uint8Array, network?: string) => void;
  readonly onChunk: (wire: Uint8Array) => void;
  readonly onConfiguration: (wire: Uint8Array) => void;
  /** What came as a command, other than the backend's word on the session and challenges. */
  readonly onCommand: (type: string, id: string, wire: Uint8Array) => void;
  readonly onChallenge: (id: string, wire: Uint8Array) => void;
  readonly onSoftware: (wire: Uint8Array) => void;
  readonly onTrust: (wire: Uint8Array) => void;
  readonly onAuditor: (wire: Uint8Array) => void;
};

const EVENT_MS = 10_000;
/** How long answers wait for the backend's word on the session: one of before does not give it. */
const SESSION_WORD_MS = 1_000;

/** Everything a gateway sends and receives, except answers, which the outbox sends. */
export class Uplink {
  readonly link: Link;
  readonly #options: UplinkOptions;
  readonly #topics: ReturnType<typeof gatewayTopics>;
  #backendSession: number | null = null;
  /** The backend knows this connection's session as ours, or does not say; nothing is sent before. */
  #isSessionOurs = false;
  #told: number | null = null;
  #wordWait = new AbortController();
  /** When this connection was born: births of one session differ in nothing that tells two gateways apart. */
  #bornTime = '';
  /** Why there is no connection. */
  #reason = 'not connected yet';
  readonly #said = new Map<string, number>();
  /** How to stop hearing of each network that is followed. */
  readonly #followed = new Map<string, () => void>();

  constructor(options: UplinkOptions) {
    this.#options = options;
    this.#topics = gatewayTopics(options.site, options.gateway);
    this.link = options.connect(async () => {
      await options.sessions.forConnection();
      return { topic: this.#topics.state, payload: this.#gatewayState('offline', 'lost'), retain: true };
    });
    this.link.subscribe(siteTopics(options.site).backendState, (_, payload) => this.#receiveBackend(payload));
    const receive: MessageHandler = (_, payload, packet) => {
      if (packet.retain) return;
      const receipt = this.#parse(Receipt, payload);
      if (receipt !== null) options.onReceipt(receipt.received);
    };
    // One that is lost comes again when its answer does.
    this.link.subscribe(this.#topics.receipt, receive, { qos: 0 });
    this.link.subscribe(this.#topics.command('+', '+'), (topic, payload, packet) => {
      if (!packet.retain) this.#receiveCommand(topic, payload);
    });
    // First: what the others bring is judged by it.
    this.link.subscribe(this.#topics.trust, (_, payload) => options.onTrust(payload));
    this.link.subscribe(this.#topics.auditor, (_, payload) => options.onAuditor(payload));
    this.link.subscribe(this.#topics.bundleManifest, (_, payload) => options.onManifest(payload));
    this.link.subscribe(this.#topics.softwareManifest, (_, payload) => options.onSoftware(payload));
    this.link.subscribe(this.#topics.desired, (_, payload) => options.onConfiguration(payload));
    this.link.subscribe(this.#topics.bundleChunk, (_, payload, packet) => {
      if (!packet.retain) options.onChunk(payload);
    });
    this.link.onUp(() => this.#up());
    this.link.onDown((reason) => {
      this.#reason = reason.message;
      this.#wordWait.abort();
      this.#isSessionOurs = false;
      this.#setBackend(null);
    });
  }

  /** Why answers cannot be sent now, or null. */
  get obstacle(): string | null {
    if (!this.link.connected) return `no connection to the broker: ${this.#reason}`;
    return this.#backendSession === null ? 'the backend is offline' : null;
  }

  /** Hears of the releases of these networks beside the default one, and of no others. */
  follow(networks: readonly string[]): void {
    for (const [network, leave] of this.#followed) {
      if (networks.includes(network)) continue;
      this.#followed.delete(network);
      leave();
    }
    for (const network of networks) {
      if (this.#followed.has(network)) continue;
      const topic = this.#topics.networkManifest(network);
      const receive = (_: string, payload: Uint8Array) => this.#options.onManifest(payload, network);
      this.#followed.set(network, this.link.subscribe(topic, receive));
    }
  }

  publishCamera(state: CameraState): void {
    this.#say(this.#topics.cameraState(state.camera), state, true);
  }

  publishCameras(): void {
    for (const state of this.#options.cameraStates()) this.publishCamera(state);
  }

  /** The cameras changed: says who there are, how each does, and clears those that are gone. */
  camerasChanged(): void {
    if (!this.link.connected) return;
    this.#publishBirth();
    this.publishCameras();
    this.#forgetGoneCameras();
  }

  publishHealth(health: Omit<Health, 'session' | 'time'>): void {
    const { sessions } = this.#options;
    this.#say(this.#topics.health, {
      session: sessions.session,
      time: this.#time(),
      ...health,
    } satisfies Health);
  }

  publishReported(): void {
    const { sessions, reported } = this.#options;
    const message: Reported = { time: this.#time(), session: sessions.session, ...reported() };
    this.#say(this.#topics.reported, message, true);
  }

  /**
   * Says what became of bundle and configuration, and waits for the broker's word.
   *
   * @returns whether the broker has it
   */
  async proveLink(): Promise<boolean> {
    const { sessions, reported } = this.#options;
    if (!this.link.connected) return false;
    const message: Reported = { time: this.#time(), session: sessions.session, ...reported() };
    try {
      await this.link.publish(this.#topics.reported, JSON.stringify(message), { qos: 1, retain: true });
      return true;
    } catch {
      return false;
    }
  }

  /**
   * Tells the operator, each code at most once in ten seconds. What was left out, or had no link, is in the local log and
   * in the counters of {@link publishHealth}.
   */
  publishEvent(level: LogEvent['level'], code: JournalCode, message: string): void {
    const now = this.#options.clock.monotonic();
    if (now - (this.#said.get(code) ?? Number.NEGATIVE_INFINITY) < EVENT_MS) return;
    this.#said.set(code, now);
    const event: LogEvent = { time: this.#time(), level, code, message: message.slice(0, 1000) };
    this.#say(this.#topics.log, event);
  }

  requestChunks(request: ChunkRequest): void {
    this.#say(this.#topics.bundleRequest, request);
  }

  /** A part of an answer to a command. Rejects where the broker does not take it. */
  publishAnswer(type: string, id: string, wire: Uint8Array, signal: AbortSignal): Promise<void> {
    return this.link.publish(this.#topics.answer(type, id), wire, { signal });
  }

  /** Says goodbye, so that nobody mistakes the silence for a fault. */
  async close(): Promise<void> {
    this.#wordWait.abort();
    const farewell: Farewell = {
      topic: this.#topics.state,
      payload: this.#gatewayState('offline', 'stopped'),
      retain: true,
    };
    await this.link.close([farewell]);
  }

  #up(): void {
    const { sessions, cameraStates, onUp, clock } = this.#options;
    sessions.connected();
    this.#wordWait.abort();
    this.#wordWait = new AbortController();
    clock.sleep(SESSION_WORD_MS, this.#wordWait.signal).then(
      () => this.#sessionIsOurs(),
      () => {},
    );
    this.#bornTime = this.#time();
    this.#publishBirth();
    this.#publish(this.#topics.state, this.#gatewayState('online', 'started'), true);
    this.publishReported();
    for (const state of cameraStates()) this.publishCamera(state);
    this.#forgetGoneCameras();
    onUp();
  }

  #publishBirth(): void {
    const { gateway, sessions, birth } = this.#options;
    const message: Birth = { gateway, session: sessions.session, time: this.#bornTime, ...birth() };
    // Retained, so that a backend that was away learns which cameras there are.
    this.#say(this.#topics.birth, message, true);
  }

  #forgetGoneCameras(): void {
    this.#clearGoneCameras().catch((error: Error) => {
      this.#options.log.debug(
        { reason: error.message },
        'the states of removed cameras will be cleared later',
      );
    });
  }

  /** An empty retained message clears the one before it. */
  async #clearGoneCameras(): Promise<void> {
    const { goneCameras } = this.#options;
    for (const camera of goneCameras.gone) {
      // It may have come back while the broker took its time over another.
      if (!goneCameras.gone.includes(camera)) continue;
      await this.link.publish(this.#topics.cameraState(camera), '', { qos: 1, retain: true });
      await goneCameras.forget(camera);
    }
  }

  #receiveBackend(payload: Uint8Array): void {
    const state = payload.length === 0 ? null : this.#parse(BackendState, payload);
    // A broker may show what it had retained after what has come since: the end of an earlier session is no end of this one.
    const isOver = state?.state === 'offline' && state.session < (this.#backendSession ?? 0);
    if (isOver) return;
    if (state !== null) this.#options.onEnvelopes?.(state.envelope ?? 1);
    this.#setBackend(state?.state === 'online' ? state.session : null);
  }

  #setBackend(session: number | null): void {
    this.#backendSession = session;
    const told = this.#isSessionOurs ? session : null;
    if (told === this.#told) return;
    this.#told = told;
    this.#options.onBackend(told);
  }

  #sessionIsOurs(): void {
    this.#isSessionOurs = true;
    this.#setBackend(this.#backendSession);
  }

  #receiveCommand(topic: string, payload: Uint8Array): void {
    const { sessions, onCommand, onChallenge } = this.#options;
    const [type = '', id = ''] = topic.split('/').slice(-2);
    if (type !== 'session') {
      if (type === CHALLENGE_TYPE) onChallenge(id, payload);
      else onCommand(type, id, payload);
      return;
    }
    if (id !== String(sessions.session)) return;
    const command = this.#parse(SessionCommand, payload);
    if (command !== null) void this.#receiveSession(command.atLeast);
  }

  /** Answers under numbers that were used before would be taken for repetitions of others, and lost. */
  async #receiveSession(atLeast: number): Promise<void> {
    const { sessions, log } = this.#options;
    const { session } = sessions;
    this.#wordWait.abort();
    if (atLeast <= session || atLeast > MAX_NOTED_SESSION + 1) return this.#sessionIsOurs();
    try {
      await sessions.leaveTaken(atLeast);
      log.warn(
        { session, next: sessions.session },
        'this session was used before under our name: starting a new one',
      );
      this.link.reconnect();
    } catch (error) {
      log.error({ err: error }, 'a new session could not be started');
    }
  }

  #gatewayState(state: GatewayState['state'], reason: GatewayState['reason']): string {
    const { session } = this.#options.sessions;
    return JSON.stringify({ state, session, time: this.#time(), reason } satisfies GatewayState);
  }

  #parse<T>(schema: z.ZodType<T>, payload: Uint8Array): T | null {
    try {
      return parseMessage(schema, payload);
    } catch (error) {
      this.#options.log.warn({ err: error }, 'a message was ignored');
      return null;
    }
  }

  #say(topic: string, message: object, retain = false): void {
    this.#publish(topic, JSON.stringify(message), retain);
  }

  /** States are sent again on every connection, so a message that is lost with the link needs no queue. */
  #publish(topic: string, payload: string, retain: boolean): void {
    if (!this.link.connected) return;
    this.link.publish(topic, payload, { qos: 1, retain }).catch((error: Error) => {
      this.#options.log.debug({ topic, reason: error.message }, 'a message was not sent');
    });
  }

  #time(): string {
    return new Date(this.#options.clock.now()).toISOString();
  }
}
