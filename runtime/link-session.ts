import { connect, type IClientOptions, type MqttClient } from 'mqtt';
import { BlindsightError } from '#protocol/errors.ts';
import { redactText } from '#protocol/redact.ts';
import type { Logger } from './log.ts';

/** PEM texts; absent only against a broker without TLS (tests). */
export type LinkCredentials = {
  readonly ca?: string | Buffer;
  readonly certificate?: string | Buffer;
  readonly key?: string | Buffer;
};

export type Will = {
  readonly topic: string;
  readonly payload: Uint8Array | string;
  readonly retain?: boolean;
};

/** One connection, from CONNACK until it breaks; never comes back. */
export interface Session {
  /** Resolves, with the reason, when the connection is gone. */
  readonly broken: Promise<BlindsightError>;
  publish(
    topic: string,
    payload: Uint8Array | string,
    options: { qos: 0 | 1; retain: boolean },
  ): Promise<void>;
  subscribe(filters: readonly string[]): Promise<void>;
  unsubscribe(filter: string): void;
  /** DISCONNECT: the broker drops the will. */
  leave(): Promise<void>;
  destroy(): void;
}

type DialOptions = LinkCredentials & {
  readonly url: string;
  readonly clientId: string;
  readonly will?: Will | undefined;
  readonly onMessage: (
    topic: string,
    payload: Uint8Array,
    packet: { retain: boolean; dup: boolean; qos: 0 | 1 | 2 },
  ) => void;
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly keepaliveSeconds?: number;
};

const CONNECT_TIMEOUT_MS = 10_000;
const KEEPALIVE_SECONDS = 20;

/**
 * Makes one connection.
 * @throws BlindsightError LINK_DOWN or LINK_REFUSED with the reason, addresses without credentials.
 */
export async function dial(options: DialOptions): Promise<Session> {
  options.signal.throwIfAborted();
  const client = connect(options.url, clientOptions(options));
  const broken = Promise.withResolvers<BlindsightError>();
  let cause: BlindsightError | null = null;

  const destroy = () => {
    options.signal.removeEventListener('abort', destroy);
    client.end(true);
    broken.resolve(cause ?? new BlindsightError('LINK_DOWN', 'the connection was closed'));
  };
  options.signal.addEventListener('abort', destroy, { once: true });
  // MQTT.js emits what went wrong first and `close` after it.
  client.on('error', (error) => {
    cause = describe(error, options.url);
  });
  client.on('close', destroy);
  client.on('message', (topic, payload, { retain, dup, qos }) =>
    options.onMessage(topic, payload, { retain, dup, qos }),
  );

  const connected = new Promise<null>((resolve) => client.once('connect', () => resolve(null)));
  const failure = await Promise.race([connected, broken.promise]);
  if (failure) throw failure;
  return { broken: broken.promise, destroy, ...operations(client, broken.promise, options.log) };
}

function clientOptions(options: DialOptions): IClientOptions {
  const { ca, certificate, key, will } = options;
  return {
    clientId: options.clientId,
    protocolVersion: 4,
    clean: true,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    connectTimeout: CONNECT_TIMEOUT_MS,
    keepalive: options.keepaliveSeconds ?? KEEPALIVE_SECONDS,
    ...(ca && { ca }),
    ...(certificate && { cert: certificate }),
    ...(key && { key }),
    ...(options.url.startsWith('mqtts:') && { minVersion: 'TLSv1.2', rejectUnauthorized: true }),
    ...(will && {
      will: {
        topic: will.topic,
        payload: toBuffer(will.payload),
        qos: 1 as const,
        retain: will.retain ?? false,
      },
    }),
  };
}

function operations(client: MqttClient, broken: Promise<BlindsightError>, log: Logger) {
  // A set instead of racing every exchange with `broken`: reactions on a promise that lives for weeks would pile up.
  const pending = new Set<(reason: BlindsightError) => void>();
  void broken.then((reason) => {
    for (const reject of pending) reject(reason);
    pending.clear();
  });

  /** The outcome of one exchange, or the break of the connection if that comes first. */
  const exchange = <T>(start: (done: (error?: Error | null, value?: T) => void) => void): Promise<T> => {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    pending.add(reject);
    start((error, value) => {
      if (!error) {
        pending.delete(reject);
        return resolve(value as T);
      }
      // MQTT.js also reports an exchange that a break cut short, before it reports the break: give the reason a turn to come first.
      setImmediate(() => {
        pending.delete(reject);
        reject(new BlindsightError('LINK_DOWN', error.message, { cause: error }));
      });
    });
    return promise;
  };

  return {
    async publish(topic: string, payload: Uint8Array | string, options: { qos: 0 | 1; retain: boolean }) {
      await exchange((done) => client.publish(topic, toBuffer(payload), options, (error) => done(error)));
    },
    async subscribe(filters: readonly string[]) {
      const granted = await exchange<{ topic: string; qos: number }[]>((done) =>
        client.subscribe([...filters], { qos: 1 }, (error, list, packet) => {
          // A refused filter is reported as an error although the connection is well: the codes say which.
          const codes = packet?.granted;
          if (codes)
            done(
              null,
              filters.map((topic, i) => ({ topic, qos: Number(codes[i]) })),
            );
          else done(error, list);
        }),
      );
      for (const { topic, qos } of granted) {
        if (qos >= 128)
          log.error({ code: 'LINK_REFUSED', filter: topic }, `the broker refuses to let us read ${topic}`);
      }
    },
    unsubscribe(filter: string) {
      client.unsubscribe(filter, () => undefined);
    },
    async leave() {
      await client.endAsync().catch(() => undefined);
    },
  };
}

function describe(error: Error & { code?: unknown }, url: string): BlindsightError {
  const refused = error.code === 2 || error.code === 4 || error.code === 5 || isTlsRefusal(error);
  const text = error.message || nested(error) || String(error.code ?? error.name);
  return new BlindsightError(refused ? 'LINK_REFUSED' : 'LINK_DOWN', redactText(`${url}: ${text}`), {
    cause: error,
  });
}

/** A connection to a host with several addresses fails with all their errors and no text of its own. */
function nested(error: Error): string {
  return error instanceof AggregateError ? error.errors.map((each: Error) => each.message).join('; ') : '';
}

function isTlsRefusal(error: { code?: unknown }): boolean {
  return (
    typeof error.code === 'string' &&
    /^(ERR_SSL|ERR_TLS|CERT_|DEPTH_|SELF_SIGNED|UNABLE_TO_)/.test(error.code)
  );
}

function toBuffer(payload: Uint8Array | string): Buffer {
  return typeof payload === 'string'
    ? Buffer.from(payload)
    : Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
}
