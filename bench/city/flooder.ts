import { randomBytes } from 'node:crypto';
import { gatewayTopics } from '#protocol/topics.ts';
import { systemClock as clock } from '#runtime/clock.ts';
import { connectLink, type Link } from '#runtime/link.ts';
import type { Logger } from '#runtime/log.ts';
import { cameraOf, simulatedEnvelope } from './simulated-envelope.ts';
import type { GatewayIdentity } from './simulated-gateway.ts';

/** Messages on the way to the broker at most: what it cannot take is not sent. */
const MAX_FLYING = 256;
const TURN_MS = 5;

/** A gateway that was taken over: it sends far more than it may, by turns garbage and answers that are in order. */
export class Flooder {
  readonly #identity: GatewayIdentity;
  readonly #link: Link;
  #flying = 0;
  #sequence = 0;
  /** Messages that left. */
  sent = 0;

  /** @param url of the broker, which it connects to from now on */
  constructor(identity: GatewayIdentity, url: string, log: Logger) {
    this.#identity = identity;
    this.#link = connectLink({ ...identity.credentials, url, clientId: identity.name, clock, log });
  }

  /** Sends so many messages a second until the signal aborts. @param answers encrypted ones of the network that it runs */
  async run(perSecond: number, answers: readonly Uint8Array[], signal: AbortSignal): Promise<void> {
    const { site, name } = this.#identity;
    const topic = gatewayTopics(site, name).inference(cameraOf(this.#identity));
    const garbage = new Uint8Array(randomBytes(this.#envelope(answers[0]!).length));
    const begunMs = performance.now();
    let due = 0;
    while (!signal.aborted) {
      const now = Math.floor(((performance.now() - begunMs) * perSecond) / 1000);
      for (; due < now; due++) {
        if (!this.#link.connected || this.#flying >= MAX_FLYING) continue;
        garbage[due % garbage.length]! += 1;
        this.#send(topic, due % 2 === 0 ? garbage : this.#envelope(answers[due % answers.length]!));
      }
      await new Promise((resolve) => setTimeout(resolve, TURN_MS));
    }
  }

  #envelope(ciphertext: Uint8Array): Uint8Array {
    const place = { session: 1, sequence: this.#sequence++ };
    return simulatedEnvelope(this.#identity, place, Date.now(), ciphertext);
  }

  #send(topic: string, message: Uint8Array): void {
    this.#flying += 1;
    this.sent += 1;
    // Nobody misses it.
    const landed = () => {
      this.#flying -= 1;
    };
    this.#link.publish(topic, message).then(landed, landed);
  }

  close(): Promise<void> {
    return this.#link.close();
  }
}
