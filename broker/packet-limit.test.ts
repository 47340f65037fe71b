import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PacketLimit } from './packet-limit.ts';
import { publishPacket } from './testing/packets.ts';

const publish = (payloadBytes: number) => publishPacket('a', payloadBytes);
const TOPIC_BYTES = 3;

describe('PacketLimit', () => {
  it('follows any packets in any pieces, and never refuses one within the limit', () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 1000 - TOPIC_BYTES }), { minLength: 1, maxLength: 10 });
    fc.assert(
      fc.property(sizes, fc.infiniteStream(fc.integer({ min: 1, max: 300 })), (sizes, cuts) => {
        const limit = new PacketLimit(1000);
        const bytes = Buffer.concat([...sizes.map(publish), Buffer.from([0xc0, 0])]);
        for (let at = 0; at < bytes.length; ) {
          const step = cuts.next().value ?? 1;
          expect(limit.accepts(bytes.subarray(at, at + step))).toBe(true);
          at += step;
        }
      }),
    );
  });

  it('refuses a packet beyond it by its header alone, wherever the pieces are cut', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 998, max: 300_000 }), (cut, size) => {
        const limit = new PacketLimit(1000);
        const bytes = Buffer.concat([publish(10), publish(size)]).subarray(0, 15 + 5);
        const first = limit.accepts(bytes.subarray(0, 15 + cut - 1));
        expect(first && limit.accepts(bytes.subarray(15 + cut - 1))).toBe(false);
      }),
    );
  });

  it('refuses a length of more than four bytes', () => {
    expect(new PacketLimit(2 ** 40).accepts(Buffer.from([0x30, 0x80, 0x80, 0x80, 0x80, 0x01]))).toBe(false);
  });
});
