import { connect, type IClientOptions, MqttClient } from 'mqtt';
import { BlindsightError } from '#protocol/errors.ts';
import { redactText } from '#protocol/redact.ts';
import type { TlsFiles } from './certificate-check.ts';
import type { Clock } from './clock.ts';
import { bareAddress, explainFault, type LinkFault } from './link-failure.ts';
import type { Logger } from './log.ts';
import { isTpmKey } from './tpm/device-key.ts';
import { DEFAULT_TPM, type TpmAddress } from './tpm/openssl.ts';
import { TpmTunnel } from './tpm/tunnel.ts';

/** PEM texts; absent only against a broker without TLS (tests). */
export type LinkCredentials = {
  readonly ca?: string | Buffer;
  readonly certificate?: string | Buffer;
  readonly key?: string | Buffer;
  /** Where they were read: for messages, and for OpenSSL where the key is in a TPM. */
  readonly files?: TlsFiles;
  /** Which TPM has the key, if it is in one. */
  readonly tpm?: TpmAddress;
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
  /** @param filters each with the most that its messages come with */
  subscribe(filters: ReadonlyMap<string, 0 | 1>): Promise<void>;
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
  readonly clock: Pick<Clock, 'now'>;
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
  const client = openClient(options);
  const broken = Promise.withResolvers<BlindsightError>();
  let error: LinkFault['error'] = null;
  let stage: LinkFault['stage'] = 'dialing';
  client.stream.once('connect', () => {
    stage = options.url.startsWith('mqtts:') ? 'open' : 'secure';
  });
  client.stream.once('secureConnect', () => {
    stage = 'secure';
  });

  const destroy = () => {
    options.signal.removeEventListener('abort', destroy);
    client.end(true);
    broken.resolve(broke(error, options.url));
  };
  options.signal.addEventListener('abort', destroy, { once: true });
  // MQTT.js emits what went wrong first and `close` after it.
  client.on('error', (said) => {
    error = said;
  });
  client.on('close', destroy);
  client.on('message', (topic, payload, { retain, dup, qos }) =>
    options.onMessage(topic, payload, { retain, dup, qos }),
  );

  const connected = new Promise<null>((resolve) => client.once('connect', () => resolve(null)));
  const failure = await Promise.race([connected, broken.promise]);
  options.signal.throwIfAborted();
  if (failure) throw await explainFault({ error, stage }, { ...options, nowMs: options.clock.now() });
  return { broken: broken.promise, destroy, ...operations(client, broken.promise, options.log) };
}

function openClient(options: DialOptions): MqttClient {
  const { key, files, tpm = DEFAULT_TPM } = options;
  if (key === undefined || files === undefined || !isTpmKey(key)) {
    return connect(options.url, clientOptions(options));
  }
  const { hostname, port } = new URL(options.url);
  const host = bareAddress(options.url) ?? hostname;
  const { key: _key, ...plain } = clientOptions(options);
  const client = new MqttClient(() => new TpmTunnel({ host, port: Number(port || 8883), files, tpm }), plain);
  // MQTT.js tells only of errors with the codes of sockets.
  client.stream.on('error', (error) => client.emit('error', error));
  return client;
}

function clientOptions(options: DialOptions): IClientOptions {
  const { ca, certificate, key, will } = options;
  const host = bareAddress(options.url);
  return {
    clientId: options.clientId,
    // MQTT.js would look up `[::1]` as a name.
    ...(host !== null && { hostname: host, host }),
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
    async subscribe(filters: ReadonlyMap<string, 0 | 1>) {
      const wanted = Object.fromEntries([...filters].map(([filter, qos]) => [filter, { qos }]));
      const granted = await exchange<{ topic: string; qos: number }[]>((done) =>
        client.subscribe(wanted, (error, list, packet) => {
          // A refused filter is reported as an error although the connection is well: the codes say which.
          const codes = packet?.granted;
          if (codes)
            done(
              null,
              [...filters.keys()].map((topic, i) => ({ topic, qos: Number(codes[i]) })),
            );
          else done(error, list);
        }),
      );
      for (const { topic, qos } of granted) {
        if (qos >= 128)
          log.error({ code: 'LINK_REFUSED', filter: topic }, `the broker does not let us read ${topic}`);
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

/** Whether the other side ended a connection, as a broker does when another client comes under the same name. */
export function isEndedByPeer({ cause }: BlindsightError): boolean {
  return cause === null || (cause as { code?: unknown } | undefined)?.code === 'ECONNRESET';
}

/** Why a connection that was made is gone. */
function broke(error: LinkFault['error'], url: string): BlindsightError {
  const text = error === null ? 'the broker closed the connection' : `${url}: ${error.message}`;
  return new BlindsightError('LINK_DOWN', redactText(text), { cause: error });
}

function toBuffer(payload: Uint8Array | string): Buffer {
  return typeof payload === 'string'
    ? Buffer.from(payload)
    : Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
}
