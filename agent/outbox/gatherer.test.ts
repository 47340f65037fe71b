import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createLogger } from '#runtime/log.ts';
import { SimulatedClock } from '#runtime/simulated-clock.ts';
import type { Answer } from '../inference/pipeline.ts';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import { GATHERED_FILE, GatheredCount } from './gathered-count.ts';
import { type AnswersTogether, Gatherer, type GathererOptions } from './gatherer.ts';
import { Outbox } from './outbox.ts';

const log = createLogger({
  name: 'test',
  level: 'silent' as never,
  format: 'json',
  destination: { write: () => {} },
});
const MODULUS = 1_073_692_673;
const RING = { ringDegree: 2048, moduli: [MODULUS], specialModuli: [] };
const ANSWER_BYTES = 32 + (2048 * 48) / 8;
const PLACES = 4;

const head = randomBytes(32);
const ciphertext = () => new Uint8Array(Buffer.concat([head, randomBytes(ANSWER_BYTES - 32)]));

type Changes = Partial<Answer> & {
  readonly bundle?: string;
  readonly model?: string;
  readonly places?: number;
};
let timeMs = 1_790_000_000_000;
function answer({ bundle = 'one', model = 'counter', places = PLACES, ...changes }: Changes = {}): Answer {
  timeMs += 1;
  return {
    ...{ camera: 'door', frameTimeMs: timeMs, preparedTimeMs: timeMs + 1, readyTimeMs: timeMs + 5 },
    timings: { prepareMs: 1, encryptMs: 2, evaluateMs: 3 },
    host: {
      kind: 'engine',
      places,
      answerRing: RING,
      bundle: { digest: bundle, manifest: { model } },
    } as never,
    ciphertext: ciphertext(),
    opening: { picture: new Uint8Array(4).fill(7), seed: new Uint8Array(32).fill(9) },
    ...changes,
  };
}

function bench(options: Partial<GathererOptions> = {}) {
  const clock = new SimulatedClock();
  const recorded: AnswersTogether[] = [];
  const settings = { togetherMs: 5000, isKnown: true, isKept: true };
  const noted: number[] = [];
  const gatherer = new Gatherer({
    togetherMs: () => settings.togetherMs,
    isKnown: () => settings.isKnown,
    record: async (together) => {
      recorded.push(together);
      return settings.isKept;
    },
    noted: { set: async (count) => void noted.push(count) },
    lost: async () => {},
    ...{ clock, log },
    ...options,
  });
  const stop = new AbortController();
  const running = gatherer.run(stop.signal);
  onTestFinished(async () => {
    stop.abort();
    await running;
  });
  const sizes = () => recorded.map(({ answers }) => answers.length);
  return { clock, recorded, settings, noted, gatherer, sizes };
}

describe('Gatherer', () => {
  it('puts answers together until there is no more place, or the first has waited long enough', async () => {
    const { clock, recorded, gatherer, sizes } = bench();
    const all = Array.from({ length: 6 }, () => answer());
    for (const one of all) expect(await gatherer.add(one)).toBe(true);
    expect(sizes()).toEqual([4]);
    expect(gatherer.count).toBe(2);
    await clock.advance(4800);
    expect(sizes()).toEqual([4]);
    await clock.advance(200);
    expect(sizes()).toEqual([4, 2]);
    expect(recorded.flatMap(({ answers }) => answers)).toEqual(all);
    for (const { ciphertext: bytes, opening, answers } of recorded) {
      expect(bytes.length).toBe(ANSWER_BYTES);
      expect(opening!.seed).toEqual(new Uint8Array(32 * answers.length).fill(9));
      expect(opening!.picture).toEqual(new Uint8Array(4 * answers.length).fill(7));
    }
    // What each was computed from is there once, in the joined opening.
    for (const { opening } of all) expect(opening!.seed).toEqual(new Uint8Array(32));
  });

  it('sends one that nobody joined as it is', async () => {
    const { clock, recorded, gatherer } = bench();
    const one = answer();
    await gatherer.add(one);
    await clock.advance(5000);
    expect(recorded).toEqual([{ answers: [one], ciphertext: one.ciphertext, opening: one.opening }]);
    expect(recorded[0]!.opening!.seed[0]).toBe(9);
  });

  it.each<[string, Changes]>([
    ['of a network with one place', { places: 1 }],
    ['that has no opening', { opening: null }],
    ['about several cameras', { others: [{ camera: 'yard', frameTimeMs: 1 }] }],
    [
      'whose openings would be too large together',
      { opening: { picture: new Uint8Array(2 ** 20 - 5000), seed: new Uint8Array(32) } },
    ],
  ])('sends an answer at once %s, and those before it', async (_, changes) => {
    const { gatherer, sizes } = bench();
    await gatherer.add(answer());
    await gatherer.add(answer());
    await gatherer.add(answer(changes));
    expect(sizes()).toEqual([2, 1]);
  });

  it('sends each at once where that is off, and where the backend knows no such envelopes', async () => {
    const { gatherer, settings, sizes, clock } = bench();
    settings.togetherMs = 0;
    await gatherer.add(answer());
    expect(sizes()).toEqual([1]);
    Object.assign(settings, { togetherMs: 5000, isKnown: false });
    await gatherer.add(answer());
    expect(sizes()).toEqual([1, 1]);
    settings.isKnown = true;
    await gatherer.add(answer());
    await gatherer.add(answer());
    // Another backend has come, of before.
    settings.isKnown = false;
    await clock.advance(5000);
    expect(sizes()).toEqual([1, 1, 1, 1]);
    // Turned off while some wait.
    settings.isKnown = true;
    await gatherer.add(answer());
    await gatherer.add(answer());
    settings.togetherMs = 0;
    await clock.advance(200);
    expect(sizes()).toEqual([1, 1, 1, 1, 2]);
  });

  it('keeps networks apart, and sends what is of a release before as soon as the next one answers', async () => {
    const { gatherer, recorded } = bench();
    await gatherer.add(answer());
    await gatherer.add(answer({ bundle: 'other', model: 'carpark' }));
    await gatherer.add(answer());
    expect(recorded).toEqual([]);
    await gatherer.add(answer({ bundle: 'two' }));
    expect(recorded.map(({ answers }) => answers.map(({ host }) => host.bundle.digest))).toEqual([
      ['one', 'one'],
    ]);
    await gatherer.flush();
    expect(recorded.map(({ answers }) => answers[0]!.host.bundle.digest)).toEqual(['one', 'other', 'two']);
  });

  it('puts no picture behind a later one of its camera, nor twice: a clock may be set back', async () => {
    const { gatherer, sizes } = bench();
    await gatherer.add(answer({ frameTimeMs: 10 }));
    await gatherer.add(answer({ frameTimeMs: 10, regions: ['left'] }));
    await gatherer.add(answer({ frameTimeMs: 5, camera: 'yard' }));
    await gatherer.add(answer({ frameTimeMs: 9 }));
    expect(sizes()).toEqual([3]);
    await gatherer.add(answer({ frameTimeMs: 9 }));
    expect(sizes()).toEqual([3, 1]);
  });

  it('loses nothing when it ends: what comes afterwards waits for nothing', async () => {
    const { gatherer, sizes, noted } = bench();
    await gatherer.add(answer());
    await gatherer.add(answer());
    await gatherer.close();
    await gatherer.add(answer());
    expect(sizes()).toEqual([2, 1]);
    expect(noted.at(-1)).toBe(0);
    expect(Math.max(...noted)).toBeGreaterThan(0);
  });

  it('notes how many are in memory again and again, also after there was nothing to note', async () => {
    const { gatherer, noted } = bench();
    await gatherer.flush();
    for (let round = 0; round < 3; round++) {
      await gatherer.add(answer());
      await gatherer.add(answer());
      await expect.poll(() => noted.at(-1)).toBe(2);
      await gatherer.flush();
      await gatherer.flush();
      await expect.poll(() => noted.at(-1)).toBe(0);
    }
  });

  it('says of what the disk refused that it was lost', async () => {
    const { gatherer, settings } = bench();
    settings.isKept = false;
    for (let i = 0; i < PLACES - 1; i++) await gatherer.add(answer());
    expect(await gatherer.add(answer())).toBe(false);
  });
});

describe('answers that are gathered when a gateway is killed', () => {
  const open = (directory: string) =>
    Outbox.open({ directory, maxBytes: 2 ** 20, maxAgeMs: 1e9, clock: new SimulatedClock(), log });

  it('are counted as dropped at the next start, once, and told to whoever listens', async () => {
    const directory = await temporaryDirectory();
    const first = await open(directory);
    const { gatherer } = bench({ noted: first.gathered });
    await gatherer.add(answer());
    await expect.poll(async () => (await GatheredCount.open(directory)).lost).toBe(1);
    await gatherer.add(answer());
    await expect.poll(async () => (await GatheredCount.open(directory)).lost).toBe(2);
    // Killed here.
    const second = await open(directory);
    const told: unknown[] = [];
    second.onDrop((count, cause) => told.push([count, cause]));
    expect(told).toEqual([[2, 'killed']]);
    expect(second.status.dropped).toBe(2);
    expect((await open(directory)).status.dropped).toBe(2);
  });

  it('stay noted until what they became is on disk', async () => {
    const events: string[] = [];
    const recorded = Promise.withResolvers<boolean>();
    const { gatherer } = bench({
      noted: { set: async (count) => void events.push(`noted ${count}`) },
      record: () => recorded.promise.finally(() => events.push('on disk')),
    });
    for (let i = 1; i < PLACES; i++) await gatherer.add(answer());
    const last = gatherer.add(answer());
    await expect.poll(() => events.at(-1)).toBe(`noted ${PLACES}`);
    recorded.resolve(true);
    await last;
    await gatherer.close();
    expect(events.slice(-2)).toEqual(['on disk', 'noted 0']);
  });

  it('are counted and told where they cannot be recorded at all', async () => {
    const outbox = await open(await temporaryDirectory());
    const told: unknown[] = [];
    outbox.onDrop((count, cause) => told.push([count, cause]));
    const { gatherer } = bench({
      record: async () => Promise.reject(new Error('no such envelope')),
      lost: (count) => outbox.lose(count, 'test'),
    });
    for (let i = 1; i < PLACES; i++) await gatherer.add(answer());
    expect(await gatherer.add(answer())).toBe(false);
    expect(told).toEqual([[PLACES, 'damage']]);
    expect(outbox.status.dropped).toBe(PLACES);
  });

  it('have no more named regions together than an envelope may have', async () => {
    const { gatherer, sizes } = bench();
    const regions = Array.from({ length: 30 }, (_, i) => `region-${i}`);
    for (let i = 0; i < 3; i++) await gatherer.add(answer({ places: 16, regions }));
    await gatherer.flush();
    expect(sizes()).toEqual([2, 1]);
  });

  it('leave no file where nothing was ever gathered', async () => {
    const directory = await temporaryDirectory();
    await open(directory);
    await expect(readFile(`${directory}/${GATHERED_FILE}`)).rejects.toThrow('ENOENT');
  });
});
