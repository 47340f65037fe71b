import { setTimeout as delay } from 'node:timers/promises';
import type { SessionCounter } from '#agent/uplink/session-counter.ts';
import { cameraOf, type Signer, simulatedEnvelope } from '#bench/city/simulated-envelope.ts';
import { gatewayTopics } from '#protocol/topics.ts';
import type { Link, PublishOptions } from '#runtime/link.ts';
import type { Delivery } from './gateway-settings.ts';

type Message = { readonly topic: string; readonly payload: Uint8Array | string };

/** Messages that are shuffled together, and so many older ones are kept to be shown again. */
const HAND = 6;
const MEMORY = 200;
const HOLD_MS = 700;
const FORGED_TIMES = 5;

/** A link whose answers arrive as QoS 0 and 1 allow: more than once, late, in any order, and not at all. */
export class UnreliablePublisher implements Pick<Link, 'publish' | 'connected'> {
  readonly #link: Link;
  readonly #before: Message[] = [];
  #hand: (Message & { done: () => void; failed: (error: Error) => void })[] = [];
  #delivery: Delivery = 'once';
  #isMute = false;
  #turn = 0;

  constructor(link: Link) {
    this.#link = link;
  }

  get connected(): boolean {
    return this.#link.connected;
  }

  deliver(delivery: Delivery): void {
    this.#delivery = delivery;
    this.#play();
  }

  /** Whether the next message is lost without a word. */
  loses(): boolean {
    return this.#delivery === 'never' && ++this.#turn % 2 === 0;
  }

  mute(isMute: boolean): void {
    this.#isMute = isMute;
  }

  publish(topic: string, payload: Uint8Array | string, options?: PublishOptions): Promise<void> {
    if (this.#isMute || this.loses()) return Promise.resolve();
    const message = { topic, payload };
    this.#before.push(message);
    if (this.#before.length > MEMORY) this.#before.shift();
    if (this.#delivery === 'shuffled') {
      return new Promise((done, failed) => {
        this.#hand.push({ ...message, done, failed });
        if (this.#hand.length >= HAND) this.#play();
        else setTimeout(() => this.#play(), HOLD_MS);
      });
    }
    if (this.#delivery === 'thrice') for (let i = 0; i < 2; i++) this.#show(message);
    if (this.#delivery === 'again') {
      this.#turn = (this.#turn + 7) % this.#before.length;
      this.#show(this.#before[this.#turn]!);
    }
    return this.#link.publish(topic, payload, options);
  }

  /** Sends the same answer under two numbers, about two moments: what a gateway must never do, and nobody can see but by its content. */
  async forge(
    signer: Signer,
    sessions: Pick<SessionCounter, 'take'>,
    ciphertext: Uint8Array,
    timeMs: number,
  ): Promise<void> {
    const topic = gatewayTopics(signer.site, signer.name).inference(cameraOf(signer));
    const wires = [timeMs, timeMs + 1].map((frameMs) =>
      simulatedEnvelope(signer, sessions.take(), frameMs, ciphertext),
    );
    // No outbox sends them again.
    for (let i = 0; i < FORGED_TIMES; i++) {
      for (const payload of wires) this.#show({ topic, payload });
      await delay(HOLD_MS);
    }
  }

  #show({ topic, payload }: Message): void {
    this.#link.publish(topic, payload, { qos: 0 }).catch(() => {});
  }

  /** The newest first, the others in the order of every other one: no two neighbors stay together. */
  #play(): void {
    const hand = this.#hand.reverse();
    this.#hand = [];
    const order = [...hand.filter((_, i) => i % 2 === 0), ...hand.filter((_, i) => i % 2 === 1)];
    for (const { topic, payload, done, failed } of order)
      this.#link.publish(topic, payload, { qos: 0 }).then(done, failed);
  }
}
