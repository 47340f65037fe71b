import { constants } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { Aedes, type Client } from 'aedes';
import type { BrokerConfig } from '#config/schema.ts';
import { BlindsightError } from '#protocol/errors.ts';
import { describeNearEnd } from '#runtime/certificate-end.ts';
import { type Clock, systemClock } from '#runtime/clock.ts';
import { ensureDirectory } from '#runtime/files.ts';
import type { Logger } from '#runtime/log.ts';
import { judge, turnAway } from './admission.ts';
import { Connections } from './connections.ts';
import { type Credentials, findOutdated, readCredentials, readRenewed } from './credentials.ts';
import { DurableMap } from './durable-map.ts';
import { DurableMessages, type KeptMessage } from './durable-messages.ts';
import { Gatekeeper } from './gatekeeper.ts';
import { PacketLimit } from './packet-limit.ts';
import { type Revoked, readRevoked } from './revoked.ts';

export type BrokerHealth = {
  /** Identities that are connected now. */
  readonly connected: readonly string[];
  /** Connections, wills, messages and subscriptions that were refused since the start. */
  readonly refused: number;
  /** Connections that had to give way to newer ones since the start. */
  readonly dropped: number;
};

export type Broker = {
  /** The port in use, even if the configuration left the choice to the system. */
  readonly port: number;
  readonly health: () => BrokerHealth;
  close(): Promise<void>;
};

export type BrokerOptions = {
  readonly config: BrokerConfig;
  readonly log: Logger;
  readonly signal?: AbortSignal;
  /** How long clients of a broker that died have to come back before their wills are published. */
  readonly willGraceMs?: number;
  /** For `willGraceMs`. */
  readonly clock?: Clock;
};

/** The system's limit on open files is lower on most machines; strangers and identities have their own, in the settings. */
const CONNECTIONS_MAX = 16_384;
const DAY_MS = 24 * 3_600_000;
const HEALTH_MS = 60_000;
/** How soon a removed gateway is disconnected, and what it left is cleared. */
const SWEEP_MS = 3_000;
const WILL_GRACE_MS = 60_000;
/** blindsight/v1/site/gateway/command/type/id has seven. */
const TOPIC_LEVELS_MAX = 10;

/**
 * The embedded MQTT broker of one site: TLS with client certificates of the installation only, access by {@link accessOf}, retained
 * messages and wills that survive `kill -9`.
 * @throws BlindsightError BROKER_LISTEN, BROKER_CERTIFICATE, FILE_UNREADABLE or SECRET_EXPOSED.
 */
export async function startBroker(options: BrokerOptions): Promise<Broker> {
  const { config, log, signal, willGraceMs = WILL_GRACE_MS, clock = systemClock } = options;
  signal?.throwIfAborted();
  const tls = { current: await readCredentials(config) };
  await ensureDirectory(config.data);
  const map = await DurableMap.open(join(config.data, 'messages.log'), log);
  const messages = new DurableMessages(map);
  const gatekeeper = new Gatekeeper(config.site, messages, log, systemClock);
  const aedes = await makeAedes(config, gatekeeper);
  for (const message of messages.retained()) await storeRetained(aedes, message);
  const connections = new Connections(config.connections, gatekeeper);
  const parts: Parts = { config, log, aedes, messages, gatekeeper, connections, tls };
  const { connected, orphans } = watchClients(parts);
  const server = await listen(parts, (socket) => receive(parts, socket)).catch(async (error: unknown) => {
    await closeAedes(aedes);
    await map.close();
    throw error;
  });
  server.on('tlsClientError', (error, socket) => {
    const reason = (error as NodeJS.ErrnoException).code ?? error.message;
    gatekeeper.refuseStranger(socket.remoteAddress ?? '?', 'handshake', `TLS handshake failed (${reason})`);
    // Node only tells of a handshake that takes too long, and keeps the connection.
    socket.destroy();
  });

  const health = () => ({
    connected: [...connected.values()].map(({ name }) => name).sort(),
    refused: gatekeeper.refused,
    dropped: connections.dropped,
  });
  const closes = new AbortController();
  const grace = clock.sleep(willGraceMs, closes.signal);
  void grace.then(
    () => giveOrphansUp(parts, orphans),
    () => undefined,
  );
  const timers = [sweep(parts, server, connected), reportHealth(health, log), watchEnd(parts)];
  let closing: Promise<void> | null = null;
  const close = () => {
    closing ??= (async () => {
      signal?.removeEventListener('abort', close);
      closes.abort();
      for (const timer of timers) clearInterval(timer);
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await closeAedes(aedes);
      await closed;
      await map.close();
      log.info('broker closed');
    })();
    return closing;
  };
  signal?.addEventListener('abort', close, { once: true });
  const { port } = server.address() as AddressInfo;
  const outdated = findOutdated(tls.current, config.certificate, systemClock.now());
  if (outdated !== null) log.error({ code: 'BROKER_CERTIFICATE' }, outdated);
  log.info({ host: config.host, port, retained: messages.retained().length }, 'broker listens');
  return { port, health, close };
}

/** A client that is connected. */
type Guest = { readonly isGateway: boolean; readonly name: string; readonly serial: string };

/** What the steps of the broker share. */
type Parts = {
  readonly config: BrokerConfig;
  readonly log: Logger;
  readonly aedes: Aedes;
  readonly messages: DurableMessages;
  readonly gatekeeper: Gatekeeper;
  readonly connections: Connections;
  /** Replaced when the certificate is renewed. */
  readonly tls: { current: Credentials };
};

function makeAedes(config: BrokerConfig, gatekeeper: Gatekeeper): Promise<Aedes> {
  return Aedes.createBroker({
    ...gatekeeper.hooks,
    connectTimeout: config.connections.handshakeSeconds * 1000,
    drainTimeout: config.drainSeconds * 1000,
    maxTopicLevels: TOPIC_LEVELS_MAX,
    maxInflightInbound: 100,
  });
}

/** Tracks who is connected, and whose will from before the start is waiting for its client. */
function watchClients({ aedes, gatekeeper, messages, log }: Parts) {
  const connected = new Map<Client, Guest>();
  const orphans = new Map(messages.wills().map(({ clientId, message }) => [clientId, message]));
  aedes.on('clientReady', (client) => {
    connected.set(client, gatekeeper.guest(client));
    orphans.delete(client.id);
    void messages.setWill(client.id, gatekeeper.will(client));
    log.info({ client: client.id }, 'client connected');
  });
  aedes.on('clientDisconnect', (client) => {
    connected.delete(client);
    gatekeeper.left(client);
    void messages.setWill(client.id, null);
    log.info({ client: client.id }, 'client gone');
  });
  for (const event of ['clientError', 'connectionError'] as const) {
    aedes.on(event, (client, error) =>
      log.debug({ client: client.id, err: error }, 'connection ended with an error'),
    );
  }
  return { connected, orphans };
}

/** Hands a connection to aedes if its certificate belongs to the installation, with its limits applied. */
function receive({ config, aedes, gatekeeper, connections, tls }: Parts, socket: TLSSocket): void {
  const verdict = judge(socket, tls.current.ca, config.revoked, systemClock.now());
  const address = socket.remoteAddress ?? '?';
  if (!('identity' in verdict)) {
    if (verdict.known === null) gatekeeper.refuseStranger(address, verdict.kind, verdict.reason);
    else gatekeeper.refuse(verdict.known, `${verdict.reason}; from ${address}`);
    // A port scanner needs no answer; a client of some site does.
    if (verdict.known === null && verdict.kind === 'none') socket.destroy();
    else turnAway(socket);
    return;
  }
  const { identity, serial } = verdict;
  connections.identify(socket, identity.name);
  gatekeeper.admit(socket, { identity, serial, from: `${address} port ${socket.remotePort}` });
  limitPackets(socket, config.maxMessageKilobytes * 1024, {
    refuse: (reason) => gatekeeper.refuse(identity.name, reason),
    heard: () => {
      if (client.id) gatekeeper.heard(client);
    },
  });
  const client = aedes.handle(socket);
}

/** Clients that were connected when the last broker died and did not come back count as lost. */
function giveOrphansUp({ aedes, messages }: Parts, orphans: Map<string, KeptMessage>): void {
  for (const [clientId, will] of orphans) void publishOrphan(aedes, messages, clientId, will);
  orphans.clear();
}

/** Every few seconds: picks up a renewed certificate, disconnects removed gateways, and clears what they left. */
function sweep(parts: Parts, server: Server, connected: ReadonlyMap<Client, Guest>) {
  const { config, aedes, messages, tls, log } = parts;
  const renew = follow(server, config, tls, log);
  return setInterval(() => {
    void renew();
    const revoked = revokedOrNone(config.revoked);
    for (const [client, { isGateway, name, serial }] of connected) {
      if ((isGateway && revoked.gateways.has(name)) || revoked.serials.has(serial)) client.close();
    }
    for (const { topic } of messages.retained()) {
      const [, , site, gateway] = topic.split('/');
      if (site === config.site && gateway !== undefined && revoked.gateways.has(gateway))
        clear(aedes, messages, topic);
    }
  }, SWEEP_MS).unref();
}

/** Logs immediately, and on each day of the last month, that the certificate is about to expire. */
function watchEnd({ config, tls, log }: Parts) {
  const say = () => {
    const text = describeNearEnd(tls.current.cert, config.certificate, systemClock.now());
    if (text !== null) log.warn({ code: 'CERTIFICATE_ENDS' }, text);
  };
  say();
  return setInterval(say, DAY_MS).unref();
}

function reportHealth(health: Broker['health'], log: Logger) {
  let told = '';
  return setInterval(() => {
    const now = JSON.stringify(health());
    if (now !== told) log.info(health(), 'broker health');
    told = now;
  }, HEALTH_MS).unref();
}

/** For clients that are already connected; an unreadable list is reported at the next connection. */
function revokedOrNone(file: string): Revoked {
  try {
    return readRevoked(file);
  } catch {
    return { gateways: new Set(), serials: new Set() };
  }
}

/** Removes a retained message, and tells subscribers. */
function clear(aedes: Aedes, messages: DurableMessages, topic: string): void {
  const payload = Buffer.alloc(0);
  const packet = { cmd: 'publish' as const, topic, payload, qos: 0 as const, retain: true, dup: false };
  aedes.publish(packet, () => void messages.retain(packet));
}

function tlsContext(credentials: Credentials) {
  // A session ticket would let a connection skip the certificate check.
  return { ...credentials, minVersion: 'TLSv1.2' as const, secureOptions: constants.SSL_OP_NO_TICKET };
}

/** Uses a renewed certificate for new connections; until its files match, the old one stays in use. */
function follow(
  server: Server,
  config: BrokerConfig,
  tls: { current: Credentials },
  log: Logger,
): () => Promise<void> {
  let told = '';
  return async () => {
    try {
      const renewed = await readRenewed(config, tls.current);
      told = '';
      if (renewed === null) return;
      server.setSecureContext(tlsContext(renewed));
      tls.current = renewed;
      log.info(`the certificate in ${config.certificate} was renewed and is now in use`);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (reason !== told)
        log.error({ code: 'BROKER_CERTIFICATE' }, `the old certificate stays in use: ${reason}`);
      told = reason;
    }
  };
}

async function listen(
  { config, tls, connections, gatekeeper }: Parts,
  onConnection: (socket: TLSSocket) => void,
): Promise<Server> {
  let server: Server;
  try {
    server = createServer({
      ...tlsContext(tls.current),
      requestCert: true,
      // Not by Node, which would close the connection without a reason: `judge` checks each one and says what is wrong.
      rejectUnauthorized: false,
      handshakeTimeout: config.connections.handshakeSeconds * 1000,
    });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new BlindsightError('BROKER_CERTIFICATE', `${config.certificate} and ${config.key}: ${why}`, {
      cause,
    });
  }
  server.maxConnections = CONNECTIONS_MAX;
  server.on('drop', (data) =>
    gatekeeper.refuseStranger(data?.remoteAddress ?? '?', 'full', 'too many connections'),
  );
  server.on('connection', (socket) => connections.begin(socket));
  server.on('secureConnection', (socket) => {
    socket.setNoDelay(true);
    onConnection(socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const where = `${config.host}:${config.port}`;
      reject(new BlindsightError('BROKER_LISTEN', `cannot listen on ${where}: ${cause.code}`, { cause }));
    });
    server.listen(config.port, config.host, resolve);
  });
  return server;
}

/** Closes a connection that announces a packet beyond the limit, before aedes buffers it. aedes reads only through `read`. */
function limitPackets(
  socket: TLSSocket,
  maxBytes: number,
  { refuse, heard }: { refuse: (reason: string) => Error; heard: () => void },
): void {
  const limit = new PacketLimit(maxBytes);
  const read = socket.read.bind(socket);
  socket.read = (size?: number): unknown => {
    const bytes: unknown = read(size);
    if (!(bytes instanceof Uint8Array)) return bytes;
    heard();
    if (limit.accepts(bytes)) return bytes;
    socket.destroy(refuse(`a packet of more than ${maxBytes} bytes`));
    return null;
  };
}

/** The part of aedes' persistence that its types omit. */
type WithPersistence = { readonly persistence: { storeRetained(packet: object): Promise<void> } };

async function storeRetained(aedes: Aedes, { topic, payload, qos }: KeptMessage): Promise<void> {
  const packet = { cmd: 'publish', topic, payload: Buffer.from(payload), qos, retain: true, dup: false };
  await (aedes as unknown as WithPersistence).persistence.storeRetained(packet);
}

async function publishOrphan(
  aedes: Aedes,
  messages: DurableMessages,
  clientId: string,
  will: KeptMessage,
): Promise<void> {
  if (will.retain) await messages.retain(will);
  const { topic, qos, retain } = will;
  const packet = {
    cmd: 'publish' as const,
    topic,
    payload: Buffer.from(will.payload),
    qos,
    retain,
    dup: false,
  };
  aedes.publish(packet, () => void messages.setWill(clientId, null));
}

function closeAedes(aedes: Aedes): Promise<void> {
  return new Promise((resolve) => aedes.close(resolve));
}
