import { decode, encode } from 'cborg';
import type { DurableMap } from './durable-map.ts';

/** What is kept of a message: enough to publish it again. */
export type KeptMessage = {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
};

/** Retained messages and the wills of connected clients, in one durable map. */
export class DurableMessages {
  readonly #map: DurableMap;

  constructor(map: DurableMap) {
    this.#map = map;
  }

  retained(): KeptMessage[] {
    return this.#all('retained:').map(({ message }) => message);
  }

  /** Wills of clients that were connected when the last broker stopped without a clean shutdown. */
  wills(): { clientId: string; message: KeptMessage }[] {
    return this.#all('will:').map(({ key, message }) => ({ clientId: key, message }));
  }

  /** Keeps a retained message instead of the one before; an empty one removes it. */
  retain(message: KeptMessage): Promise<void> {
    return this.#map.set(`retained:${message.topic}`, message.payload.length === 0 ? null : pack(message));
  }

  setWill(clientId: string, will: KeptMessage | null): Promise<void> {
    return this.#map.set(`will:${clientId}`, will && pack(will));
  }

  hasRetained(topic: string): boolean {
    return this.#map.entries.has(`retained:${topic}`);
  }

  countRetained(prefix: string): number {
    let count = 0;
    for (const key of this.#map.entries.keys()) if (key.startsWith(`retained:${prefix}`)) count++;
    return count;
  }

  #all(prefix: string): { key: string; message: KeptMessage }[] {
    return [...this.#map.entries]
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, bytes]) => ({ key: key.slice(prefix.length), message: decode(bytes) as KeptMessage }));
  }
}

function pack({ topic, payload, qos, retain }: KeptMessage): Uint8Array {
  return encode({ topic, payload: Uint8Array.from(payload), qos, retain });
}
