import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  answersOf,
  countAnswers,
  decodeEnvelope,
  ENVELOPE_OVERHEAD_BYTES,
  type Envelope,
  encodeEnvelope,
  type LaterAnswer,
  MAX_GATHERED,
  placesOf,
  readEnvelope,
  signedSchema,
  splitEnvelope,
} from './envelope.ts';
import { MAX_REGIONS } from './names.ts';
import { encryptionSeed } from './opening.ts';

const MAX_BYTES = 2 ** 16;
const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const timings = { prepareMs: 3, encryptMs: 20, evaluateMs: 812 };

const at = (camera: string, frameTimeMs: number, more: Partial<LaterAnswer> = {}): LaterAnswer => ({
  ...{ camera, frameTimeMs, readyTimeMs: frameTimeMs + 30, timings },
  ...more,
});

const sample: Envelope = {
  ...{ schema: 3, site: 'north', gateway: 'gate-1' },
  ...at('door', 1_790_000_000_000),
  later: [
    at('door', 1_790_000_000_100.5),
    at('lot', 1_789_999_999_999, { regions: ['left', 'right'] }),
    at('lot', 1_789_999_999_999, { regions: ['top'] }),
    at('door', 1_790_000_000_200),
  ],
  ...{ session: 3, sequence: 17, bundle: 'ab'.repeat(32), interpreter: 'engine', historical: false },
  ciphertext: Uint8Array.of(1, 2, 3),
};

const refuses = (change: Partial<Envelope>) => () => encodeEnvelope({ ...sample, ...change }, privateKey);

describe('an envelope of answers that were gathered', () => {
  it('comes back as it went, signed as what it is', () => {
    const bytes = encodeEnvelope(sample, privateKey);
    expect(decodeEnvelope(bytes, MAX_BYTES).envelope).toEqual(sample);
    const signed = splitEnvelope(bytes, MAX_BYTES);
    expect(signedSchema(signed, publicKey)).toBe(3);
    for (const schema of [1, 2] as const) expect(() => readEnvelope(signed, schema)).toThrow();
  });

  it('is answers with times and numbers of their own', () => {
    const answers = answersOf(sample);
    expect(answers.map(({ camera, sequence }) => `${camera} ${sequence}`)).toEqual([
      ...['door 17', 'door 18', 'lot 19', 'lot 20', 'door 21'],
    ]);
    expect(answers.map(({ readyTimeMs, frameTimeMs }) => readyTimeMs - frameTimeMs)).toEqual([
      ...[30, 30, 30, 30, 30],
    ]);
    expect(answers.map(placesOf)).toEqual([1, 1, 2, 1, 1]);
    for (const answer of answers) {
      expect(answer).toMatchObject({ schema: 1, session: 3, bundle: sample.bundle });
      expect(answer).not.toHaveProperty('later');
    }
    expect(countAnswers(sample)).toBe(5);
  });

  it('names each picture once, and those of a camera in the order of their times', () => {
    expect(refuses({ later: [at('door', 1_790_000_000_000)] })).toThrow('each picture once');
    expect(refuses({ later: [at('door', 1_789_999_999_999)] })).toThrow('in order');
    const back = [at('lot', 5), at('door', 1_790_000_000_001), at('lot', 4)];
    expect(refuses({ later: back })).toThrow('in order');
    const twice = [at('lot', 5, { regions: ['a'] }), at('lot', 5, { regions: ['a'] })];
    expect(refuses({ later: twice })).toThrow('each picture once');
  });

  it('has at least two answers, and no more than there may be', () => {
    const many = (count: number) => Array.from({ length: count }, (_, i) => at(`camera-${i}`, 1));
    expect(refuses({ later: [] })).toThrow();
    expect(refuses({ later: many(MAX_GATHERED) })).toThrow();
    expect(refuses({ later: many(MAX_GATHERED - 1) })).not.toThrow();
    const regions = Array.from({ length: MAX_REGIONS }, (_, i) => `r${i}`);
    expect(refuses({ later: [at('a', 1, { regions }), at('b', 1, { regions: ['x'] })] })).toThrow(
      'at most 64',
    );
  });

  it('is nothing else: no further cameras beside it, no schema of others, no unknown field', () => {
    expect(refuses({ others: [{ camera: 'yard', frameTimeMs: 1 }] })).toThrow();
    expect(refuses({ schema: 1 })).toThrow();
    expect(refuses({ schema: 2 })).toThrow();
    const { later: _, ...alone } = sample;
    expect(() => encodeEnvelope(alone, privateKey)).toThrow();
    const known = { ...at('yard', 1), others: [] } as LaterAnswer;
    expect(refuses({ later: [known] })).toThrow();
    for (const wrong of [{ frameTimeMs: -1 }, { camera: 'Yard' }, { readyTimeMs: Number.NaN }])
      expect(refuses({ later: [at('yard', 1, wrong)] })).toThrow();
  });

  it('stays below the size that brokers are told to expect', () => {
    const name = (i: number) => String(i).padStart(32, 'x');
    const exact = 1_790_000_000_000.123;
    const slow = { prepareMs: 1234.1, encryptMs: 1234.1, evaluateMs: 123_456.7 };
    const later = Array.from({ length: MAX_GATHERED - 1 }, (_, i) =>
      at(name(i), exact, { regions: [name(2 * i), name(2 * i + 1)], timings: slow }),
    );
    const widest = { ...sample, site: name(1), gateway: name(2), camera: name(99), later };
    expect(encodeEnvelope(widest, privateKey).length).toBeLessThan(ENVELOPE_OVERHEAD_BYTES - 256);
  });

  it('was encrypted answer by answer, each for its own place', () => {
    const seed = new Uint8Array(32).fill(7);
    const seeds = answersOf(sample).map((place) => Buffer.from(encryptionSeed(seed, place)).toString('hex'));
    expect(new Set(seeds).size).toBe(5);
  });
});
