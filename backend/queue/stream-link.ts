import {
  DiscardPolicy,
  JetStreamApiError,
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { queueNames } from '#protocol/queue-names.ts';
import { queueTrouble } from './queue-trouble.ts';

export type StreamSettings = {
  readonly site: string;
  /** tls://host:port each. */
  readonly servers: readonly string[];
  readonly replicas: number;
  /** Of all gateways. */
  readonly maxBytes: number;
  readonly maxPerGateway: number;
  /** PEM. */
  readonly ca: Buffer | string;
  readonly certificate: Buffer | string;
  readonly key: Buffer | string;
};

/** So long the same bytes of a gateway are taken once; what comes again later is settled once all the same. */
const TAKEN_ONCE_MS = 120_000;
const TIMEOUT_MS = 5_000;
/** Of JetStream's API. */
const NO_STREAM = 10_059;
const NANOSECONDS = 1_000_000;

/** A connection to a NATS server at which the stream of a site is, made if it was not there. */
export class StreamLink {
  readonly stream: string;
  readonly subjects: string;
  readonly #connection: NatsConnection;
  readonly publisher: JetStreamClient;
  readonly manager: JetStreamManager;

  private constructor(connection: NatsConnection, manager: JetStreamManager, site: string) {
    const { stream, subjects } = queueNames(site);
    this.#connection = connection;
    this.stream = stream;
    this.subjects = subjects;
    this.manager = manager;
    this.publisher = jetstream(connection, { timeout: TIMEOUT_MS });
  }

  /** @throws BlindsightError QUEUE_UNAVAILABLE, QUEUE_FORBIDDEN, QUEUE_FULL */
  static async open(settings: StreamSettings): Promise<StreamLink> {
    const { site, servers, ca, certificate, key } = settings;
    let connection: NatsConnection | null = null;
    try {
      connection = await connect({
        servers: servers.map((server) => server.replace(/^tls:\/\//, '')),
        tls: { ca: String(ca), cert: String(certificate), key: String(key) },
        name: `blindsight backend of ${site}`,
        inboxPrefix: queueNames(site).answers,
        timeout: TIMEOUT_MS,
        pingInterval: 5_000,
        // Whoever owns this connects anew, and looks again who is there.
        reconnect: false,
        ignoreClusterUpdates: true,
      });
      // Without a look at the account, which the backend has no right to.
      const manager = await jetstreamManager(connection, { checkAPI: false, timeout: TIMEOUT_MS });
      const link = new StreamLink(connection, manager, site);
      await link.#ensure(settings);
      return link;
    } catch (error) {
      await connection?.close().catch(() => {});
      throw queueTrouble(error);
    }
  }

  /** Resolves when the connection is closed, by whomever. */
  async closed(): Promise<Error | null> {
    return (await this.#connection.closed()) ?? null;
  }

  get isClosed(): boolean {
    return this.#connection.isClosed();
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  async #ensure({ replicas, maxBytes, maxPerGateway }: StreamSettings): Promise<void> {
    const wanted = {
      subjects: [`${this.subjects}.*`],
      storage: StorageType.File,
      retention: RetentionPolicy.Limits,
      // Whatever is beyond a bound is refused and stays with its gateway: what is in the stream waits there.
      discard: DiscardPolicy.New,
      discard_new_per_subject: true,
      max_msgs_per_subject: maxPerGateway,
      max_bytes: maxBytes,
      num_replicas: replicas,
      duplicate_window: TAKEN_ONCE_MS * NANOSECONDS,
      allow_direct: true,
    } satisfies Partial<StreamConfig>;
    try {
      const { config } = await this.manager.streams.info(this.stream);
      const isAsWanted = Object.entries(wanted).every(
        ([name, value]) => JSON.stringify(config[name as keyof StreamConfig]) === JSON.stringify(value),
      );
      if (!isAsWanted) await this.manager.streams.update(this.stream, { ...config, ...wanted });
    } catch (error) {
      if (!(error instanceof JetStreamApiError && error.code === NO_STREAM)) throw error;
      await this.manager.streams.add({ name: this.stream, ...wanted });
    }
  }
}
