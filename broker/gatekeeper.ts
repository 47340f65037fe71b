import { randomUUID } from 'node:crypto';
import type { AedesOptions, Client, Connection, PublishPacket } from 'aedes';
import { BlindsightError } from '#protocol/errors.ts';
import { gatewayTopics } from '#protocol/topics.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Logger } from '#runtime/log.ts';
import { MinuteBudget } from '#runtime/minute-budget.ts';
import { RareLines } from '#runtime/rare-lines.ts';
import { type Access, accessOf, type Identity, mayRead, maySubscribe, mayWrite } from './access.ts';
import type { DurableMessages, KeptMessage } from './durable-messages.ts';
import { Takeovers } from './takeovers.ts';

type Hooks = Required<
  Pick<
    AedesOptions,
    'preConnect' | 'authenticate' | 'authorizePublish' | 'authorizeSubscribe' | 'authorizeForward'
  >
>;

type Admitted = {
  readonly identity: Identity;
  /** Of its certificate. */
  readonly serial: string;
  /** Address and port. */
  readonly from: string;
};

type Guest = Admitted & {
  readonly access: Access;
  readonly will: KeptMessage | null;
  /** Why the connection is refused, if it is. */
  readonly refusal: string | null;
};

/** Retained topics that a gateway may have; far more than one with 64 cameras uses. */
const RETAINED_TOPICS_MAX = 256;
/** Ours are names, of up to 32; other programs like to put a UUID behind one. */
const CLIENT_ID_MAX = 128;
/** Longest retained message of a gateway; its states are below 2 KB. */
const RETAINED_BYTES_MAX = 16_384;

const NOT_AUTHORIZED = 5;

/** Decides, for one site, who may connect, publish and subscribe, and stores retained messages before they are acknowledged. */
export class Gatekeeper {
  readonly #site: string;
  readonly #messages: DurableMessages;
  readonly #log: Logger;
  readonly #admitted = new WeakMap<Connection, Admitted>();
  readonly #guests = new WeakMap<Client, Guest>();
  readonly #rare: RareLines;
  readonly #budget: MinuteBudget;
  readonly #takeovers: Takeovers;
  #refused = 0;

  constructor(site: string, messages: DurableMessages, log: Logger, clock: Pick<Clock, 'monotonic'>) {
    this.#site = site;
    this.#messages = messages;
    this.#log = log;
    this.#rare = new RareLines(clock);
    this.#budget = new MinuteBudget(clock);
    this.#takeovers = new Takeovers(clock, log);
  }

  /** How many connections, wills, messages and subscriptions were refused since the start. */
  get refused(): number {
    return this.#refused;
  }

  /** Records whose connection this is, before aedes sees it. */
  admit(connection: Connection, admitted: Admitted): void {
    this.#admitted.set(connection, admitted);
  }

  /** Bytes of a client arrived. */
  heard({ id, conn }: Client): void {
    this.#takeovers.heard(id, this.#admitted.get(conn)?.from ?? '');
  }

  /** A client is gone. */
  left({ id, conn }: Client): void {
    this.#takeovers.leave(id, this.#admitted.get(conn)?.from ?? '');
  }

  /** Counts a refusal, and logs it unless there are too many of this identity. */
  refuse(who: string, what: string): BlindsightError {
    this.#refused++;
    if (this.#budget.take(who))
      this.#log.warn({ code: 'BROKER_ACCESS', identity: who }, `refused ${who}: ${what}`);
    return new BlindsightError('BROKER_ACCESS', `${who}: ${what}`);
  }

  /**
   * Counts a connection from an unknown client; logged rarely for each of the few kinds, because any
   * port scanner causes them.
   */
  refuseStranger(address: string, kind: string, reason: string): void {
    this.#refused++;
    const count = this.#rare.take(kind);
    if (count === 0) return;
    const fields = { code: 'BROKER_ACCESS', identity: address, count };
    this.#log.warn(fields, `refused ${address}: ${reason}`);
  }

  /** Who a client is. */
  guest(client: Client): { readonly isGateway: boolean; readonly name: string; readonly serial: string } {
    const guest = this.#guests.get(client);
    return {
      isGateway: guest?.identity.kind === 'gateway',
      name: guest?.identity.name ?? '?',
      serial: guest?.serial ?? '',
    };
  }

  will(client: Client): KeptMessage | null {
    return this.#guests.get(client)?.will ?? null;
  }

  readonly hooks: Hooks = {
    preConnect: (client, packet, done) => {
      const admitted = this.#admitted.get(client.conn);
      if (!admitted) return done(this.refuse('?', 'a connection without identity'), false);
      const { identity } = admitted;
      const { length } = packet.clientId ?? '';
      const longId = length > CLIENT_ID_MAX ? `a client id of ${length} characters` : null;
      if (longId !== null) packet.clientId = '';
      // A client id counts only within its identity: nobody can take over another's connection.
      packet.clientId = `${identity.name}/${packet.clientId || randomUUID()}`;
      // No offline queues: aedes does not bound them, and receipts and retained messages leave nothing for them to do.
      packet.clean = true;
      const access = accessOf(this.#site, identity);
      const will = packet.will ? kept(packet.will.topic, packet.will) : null;
      const refusal = longId ?? this.#refusalOf(identity, access, will);
      this.#guests.set(client, { ...admitted, access, will, refusal });
      done(null, true);
    },

    authenticate: (client, _user, _password, done) => {
      const guest = this.#guests.get(client);
      if (guest && !guest.refusal) {
        this.#takeovers.enter(client.id, guest.identity.name, guest.from);
        return done(null, true);
      }
      const error = this.refuse(
        guest?.identity.name ?? '?',
        guest?.refusal ?? 'a connection without identity',
      );
      done(Object.assign(error, { returnCode: NOT_AUTHORIZED }), false);
    },

    authorizePublish: (client, packet, done) => {
      if (!client) return done(null); // the broker's own
      const guest = this.#guests.get(client);
      if (!guest || !mayWrite(guest.access, packet.topic, packet.retain)) {
        const kind = packet.retain ? 'a retained message' : 'a message';
        return done(this.refuse(guest?.identity.name ?? '?', `${kind} to ${shown(packet.topic)}`));
      }
      if (!packet.retain) return done(null);
      const excess = this.#excess(guest.identity, packet);
      if (excess !== null) return done(this.refuse(guest.identity.name, excess));
      this.#messages.retain(kept(packet.topic, packet)).then(() => done(null), done);
    },

    authorizeSubscribe: (client, subscription, done) => {
      const guest = this.#guests.get(client);
      if (guest && maySubscribe(guest.access, subscription.topic)) return done(null, subscription);
      this.refuse(guest?.identity.name ?? '?', `a subscription to ${shown(subscription.topic)}`);
      done(null, null); // SUBACK 0x80, the connection stays
    },

    authorizeForward: (client, packet) => {
      const guest = this.#guests.get(client);
      return guest && mayRead(guest.access, packet.topic) ? packet : null;
    },
  };

  /** Why a connection with this will is refused, or null. */
  #refusalOf(identity: Identity, access: Access, will: KeptMessage | null): string | null {
    if (will === null) return null;
    if (!mayWrite(access, will.topic, will.retain)) return `a last will to ${shown(will.topic)}`;
    if (identity.kind !== 'gateway' || will.payload.length <= RETAINED_BYTES_MAX) return null;
    return `a last will of more than ${RETAINED_BYTES_MAX} bytes`;
  }

  /** Bounds what a gateway that invents camera names can make us store; the backend stores the site's own. */
  #excess(identity: Identity, packet: PublishPacket): string | null {
    if (identity.kind !== 'gateway' || packet.payload.length === 0) return null;
    if (packet.payload.length > RETAINED_BYTES_MAX) {
      return `a retained message of more than ${RETAINED_BYTES_MAX} bytes`;
    }
    if (this.#messages.hasRetained(packet.topic)) return null;
    const { prefix } = gatewayTopics(this.#site, identity.name);
    const isFull = this.#messages.countRetained(`${prefix}/`) >= RETAINED_TOPICS_MAX;
    return isFull ? `more than ${RETAINED_TOPICS_MAX} retained topics` : null;
  }
}

type Published = {
  readonly payload: string | Buffer;
  readonly qos?: 0 | 1 | 2;
  readonly retain?: boolean;
};

function kept(topic: string, { payload, qos = 0, retain = false }: Published): KeptMessage {
  return { topic, payload: Buffer.from(payload), qos, retain };
}

/** A topic, made safe for a log. */
function shown(topic: string): string {
  return JSON.stringify(topic.slice(0, 200));
}
