/** MQTT 3.1.1 packets as a client of no library would write them. */

/** CONNECT with a clean session and no keepalive. */
export function connectPacket(clientId: string): Buffer {
  return packet(0x10, [text('MQTT'), Buffer.from([4, 2, 0, 0]), text(clientId)]);
}

/** SUBSCRIBE, QoS 0. */
export function subscribePacket(filter: string): Buffer {
  return packet(0x82, [Buffer.from([0, 1]), text(filter), Buffer.from([0])]);
}

/** PUBLISH, QoS 0, with a payload of so many zero bytes. */
export function publishPacket(topic: string, payloadBytes: number): Buffer {
  return packet(0x30, [text(topic), Buffer.alloc(payloadBytes)]);
}

function packet(type: number, parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const head = [type];
  for (let rest = body.length; ; rest >>= 7) {
    head.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    if (rest <= 0x7f) break;
  }
  return Buffer.concat([Buffer.from(head), body]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
}
