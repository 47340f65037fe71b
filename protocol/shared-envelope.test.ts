import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  answersOf,
  decodeEnvelope,
  ENVELOPE_OVERHEAD_BYTES,
  type Envelope,
  encodeEnvelope,
  isLaterEnvelope,
  placesOf,
  readEnvelope,
  signedSchema,
  splitEnvelope,
} from './envelope.ts';
import { MAX_REGIONS } from './names.ts';
import { encryptionSeed } from './opening.ts';
import { encodeSigned } from './signed.ts';

const MAX_BYTES = 2 ** 16;
const { privateKey, publicKey } = generateKeyPairSync('ed25519');

const sample: Envelope = {
  schema: 2,
  site: 'north',
  gateway: 'gate-1',
  camera: 'door',
  others: [
    { camera: 'yard', frameTimeMs: 1_790_000_000_020.5 },
    { camera: 'lot', regions: ['left', 'right'], frameTimeMs: 1_790_000_000_010 },
  ],
  session: 3,
  sequence: 17,
  frameTimeMs: 1_790_000_000_000,
  readyTimeMs: 1_790_000_000_900,
  bundle: 'ab'.repeat(32),
  interpreter: 'engine',
  historical: false,
  timings: { prepareMs: 3, encryptMs: 20, evaluateMs: 812 },
  ciphertext: Uint8Array.of(1, 2, 3),
};

const refuses = (change: Partial<Envelope>) => () => encodeEnvelope({ ...sample, ...change }, privateKey);

describe('an envelope about several cameras', () => {
  it('comes back as it went, signed as what it is', () => {
    const bytes = encodeEnvelope(sample, privateKey);
    expect(decodeEnvelope(bytes, MAX_BYTES).envelope).toEqual(sample);
    const signed = splitEnvelope(bytes, MAX_BYTES);
    expect(signedSchema(signed, publicKey)).toBe(2);
    expect(readEnvelope(signed, 2).envelope).toEqual(sample);
    expect(() => readEnvelope(signed, 1)).toThrow();
  });

  it('is one answer about each, with a number of its own', () => {
    const answers = answersOf(sample);
    expect(answers.map(({ camera, sequence }) => [camera, sequence])).toEqual([
      ['door', 17],
      ['yard', 18],
      ['lot', 19],
    ]);
    expect(answers.map(({ frameTimeMs }) => frameTimeMs % 1000)).toEqual([0, 20.5, 10]);
    expect(answers.map(({ regions }) => regions)).toEqual([undefined, undefined, ['left', 'right']]);
    for (const answer of answers) {
      expect(answer).toMatchObject({ schema: 1, session: 3, bundle: sample.bundle });
      expect(answer).not.toHaveProperty('others');
    }
    expect(placesOf(sample)).toBe(4);
    const { others: _, ...alone } = sample;
    expect(answersOf({ ...alone, schema: 1 })).toEqual([{ ...alone, schema: 1 }]);
  });

  it('names each camera once, no more pictures than there are places, and at least two cameras', () => {
    expect(refuses({ others: [{ camera: 'door', frameTimeMs: 1 }] })).toThrow('each camera once');
    expect(refuses({ others: [] })).toThrow();
    expect(refuses({ others: [{ camera: 'Yard', frameTimeMs: 1 }] })).toThrow();
    const regions = Array.from({ length: MAX_REGIONS }, (_, i) => `r${i}`);
    expect(refuses({ others: [{ camera: 'yard', regions, frameTimeMs: 1 }] })).toThrow('at most 64');
    expect(refuses({ schema: 1 })).toThrow();
    const { others: _, ...alone } = sample;
    expect(() => encodeEnvelope(alone, privateKey)).toThrow();
  });

  it('has numbers that a database gives back: a larger one would stop everybody', () => {
    for (const number of [Number.MAX_SAFE_INTEGER, 2 ** 52 + 1]) {
      expect(refuses({ sequence: number })).toThrow();
      expect(refuses({ session: number })).toThrow();
    }
    const largest = encodeEnvelope({ ...sample, sequence: 2 ** 52 }, privateKey);
    const numbers = answersOf(decodeEnvelope(largest, MAX_BYTES).envelope).map(({ sequence }) => sequence);
    expect(new Set(numbers).size).toBe(3);
    expect(numbers.every(Number.isSafeInteger)).toBe(true);
  });

  it('stays below the size that brokers are told to expect', () => {
    const name = (i: number) => String(i).padStart(32, 'x');
    const others = Array.from({ length: MAX_REGIONS - 1 }, (_, i) => ({
      ...{ camera: name(i), regions: [name(i)], frameTimeMs: 1_790_000_000_000.123 },
    }));
    const widest = { ...sample, site: name(1), gateway: name(2), camera: name(99), others };
    expect(encodeEnvelope(widest, privateKey).length).toBeLessThan(ENVELOPE_OVERHEAD_BYTES - 256);
  });

  it('is of a later version to a backend of before, and one of a later version yet is that to this one', () => {
    const kind = { code: 'ENVELOPE_INVALID', noun: 'envelope', domain: 'blindsight envelope 4' } as const;
    const schema = { safeParse: (data: unknown) => ({ success: true, data }) } as never;
    const signed = splitEnvelope(encodeSigned({ ...kind, schema }, sample, privateKey), MAX_BYTES);
    expect(signedSchema(signed, publicKey)).toBeNull();
    expect(isLaterEnvelope(signed, publicKey)).toBe(true);
  });

  it('names all of its pictures in the encryption: no place can be shown as another', () => {
    const seed = new Uint8Array(32).fill(7);
    const [first, second] = sample.others!;
    const variants: Envelope[] = [
      sample,
      { ...sample, others: [second!, first!] },
      { ...sample, others: [first!] },
      { ...sample, others: [{ ...first!, frameTimeMs: 1 }, second!] },
      { ...sample, others: [{ ...first!, camera: 'shed' }, second!] },
      { ...sample, others: [first!, { ...second!, regions: ['right', 'left'] }] },
      { ...sample, camera: 'shed' },
      answersOf(sample)[0]!,
    ];
    const seeds = variants.map((place) => Buffer.from(encryptionSeed(seed, place)).toString('hex'));
    expect(new Set(seeds).size).toBe(variants.length);
  });
});
