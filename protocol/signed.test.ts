import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeCanonical, encodeCanonical } from './cbor.ts';
import { readSignature, signedSchema, splitEnvelope } from './envelope.ts';

const LENGTHS = [0, 1, 23, 24, 25, 255, 256, 257, 65_535, 65_536, 65_537, 100_000];
const wireOf = (length: number) => encodeCanonical([randomBytes(length), randomBytes(64)]);

/** What the decoder for all values makes of it; null where it is no payload with a signature. */
function decoded(bytes: Uint8Array): { payload: string; signature: string } | null {
  try {
    const [payload, signature, ...more] = decodeCanonical(bytes) as Uint8Array[];
    if (!(payload instanceof Uint8Array) || signature?.length !== 64 || more.length > 0) return null;
    return {
      payload: Buffer.from(payload).toString('hex'),
      signature: Buffer.from(signature).toString('hex'),
    };
  } catch {
    return null;
  }
}

function split(bytes: Uint8Array): ReturnType<typeof decoded> {
  try {
    const { payload, signature } = splitEnvelope(bytes, 2 ** 20);
    return {
      payload: Buffer.from(payload).toString('hex'),
      signature: Buffer.from(signature).toString('hex'),
    };
  } catch {
    return null;
  }
}

describe('a payload and its signature', () => {
  it.each(LENGTHS)('are taken apart as the decoder does, with %i bytes', (length) => {
    const bytes = wireOf(length);
    expect(split(bytes)).toEqual(decoded(bytes));
    // Where they do not begin at the beginning of their buffer, too.
    const within = new Uint8Array([1, 2, 3, ...bytes]).subarray(3);
    expect(split(within)).toEqual(decoded(bytes));
  });

  it('are refused in any other form, whatever is changed in their heads, cut off or put behind', () => {
    const wires = LENGTHS.slice(0, 8).map(wireOf);
    fc.assert(
      fc.property(
        fc.constantFrom(...wires),
        fc.array(fc.tuple(fc.nat(7), fc.nat(255)), { maxLength: 2 }),
        fc.integer({ min: -2, max: 2 }),
        fc.boolean(),
        (wire, changes, longer, isEnd) => {
          const bytes = new Uint8Array(Math.max(1, wire.length + longer));
          bytes.set(wire.subarray(0, bytes.length));
          for (const [at, byte] of changes) {
            const place = isEnd ? bytes.length - 66 - 4 + at : at;
            if (place >= 0 && place < bytes.length) bytes[place] = byte;
          }
          expect(split(bytes)).toEqual(decoded(bytes));
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('are refused where a length is not in its shortest form', () => {
    const [payload, signature] = [randomBytes(10), randomBytes(64)];
    for (const head of [
      [0x58, 10],
      [0x59, 0, 10],
      [0x5a, 0, 0, 0, 10],
    ])
      expect(split(Uint8Array.from([0x82, ...head, ...payload, 0x58, 64, ...signature]))).toBeNull();
  });
});

it('a signature says the same aside as at once: this version, the next, another key', async () => {
  const [own, other] = [generateKeyPairSync('ed25519'), generateKeyPairSync('ed25519')];
  const payload = new Uint8Array(randomBytes(50));
  const signed = (domain: string) => ({
    payload,
    signature: new Uint8Array(
      sign(null, Buffer.concat([Buffer.from(`blindsight envelope ${domain}\0`), payload]), own.privateKey),
    ),
  });
  const expected = [
    [1, { schema: 1, isLater: false }],
    [2, { schema: 2, isLater: false }],
    [3, { schema: 3, isLater: false }],
    [4, { schema: null, isLater: true }],
    [9, { schema: null, isLater: false }],
  ] as const;
  for (const [domain, finding] of expected) {
    const one = signed(`${domain}`);
    expect(await readSignature(one, own.publicKey)).toEqual(finding);
    expect(signedSchema(one, own.publicKey)).toBe(finding.schema);
    expect(await readSignature(one, other.publicKey)).toEqual({ schema: null, isLater: false });
  }
});
