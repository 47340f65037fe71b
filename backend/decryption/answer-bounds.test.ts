import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
  type MockInstance,
  vi,
} from 'vitest';
import type { Envelope } from '#protocol/envelope.ts';
import {
  type DecryptingSite,
  drain,
  makeDecryptingSite,
  type TestGateway,
} from '../testing/decrypting-site.ts';
import { makeTinyNetwork, type TinyNetwork } from '../testing/tiny-network.ts';
import { answerLimits } from './answer-bounds.ts';
import type { Decryptor } from './decryptor.ts';
import type { Processor } from './processor.ts';

const [MINUTE_MS, HOUR_MS, DAY_MS] = [60_000, 3_600_000, 86_400_000];
/** In the middle of a minute, so that a burst of seconds stays in it. */
const NOW_MS = Date.UTC(2026, 5, 1, 12, 0, 30);
/** One a second, 5 % and five more. */
const PER_MINUTE = 68;

describe('answers of one camera', () => {
  let network: TinyNetwork;
  let answer: Uint8Array;
  let bench: DecryptingSite;
  let processor: Processor;
  let decrypt: MockInstance<Decryptor['decrypt']>;
  let sequence: number;

  beforeAll(async () => {
    network = await makeTinyNetwork();
    answer = network.answer([0.2, 0.9]);
  });
  afterAll(() => network.close());

  beforeEach(async () => {
    bench = await makeDecryptingSite(network);
    decrypt = vi.spyOn(bench.decryptor, 'decrypt');
    sequence = 0;
    start();
  });
  afterEach(() => bench.close());

  function start(perCameraPerSecond = 1, cameras: { name: string; perSecond: number }[] = []): void {
    const limits = answerLimits({
      answers: { perCameraPerSecond, cameras, maxAgeHours: 72 },
      resultsDays: 30,
    });
    processor = bench.makeProcessor({ limits });
  }

  async function send(
    changes: Partial<Envelope>,
    receivedMs = NOW_MS,
    gateway: TestGateway = bench.gateway,
  ): Promise<void> {
    const times = { frameTimeMs: receivedMs, readyTimeMs: receivedMs };
    const envelope = { sequence: ++sequence, ciphertext: answer, ...times, ...changes };
    await bench.put(envelope, gateway, { receivedMs });
    await drain(bench, processor);
  }

  const published = () => bench.results.map(({ frameTime }) => frameTime);
  const counters = () => bench.site.store.counters.all();
  const codes = async () => (await bench.site.store.journal.latest(20)).map(({ code }) => code);

  it('in a burst are no more than its rate allows, also over a restart, and the rest takes no room', async () => {
    for (let index = 0; index < PER_MINUTE + 40; index++) await send({ frameTimeMs: NOW_MS - index });
    expect(decrypt).toHaveBeenCalledTimes(PER_MINUTE);
    start();
    for (let index = 0; index < 10; index++) await send({ frameTimeMs: NOW_MS - 1000 - index });
    expect(decrypt).toHaveBeenCalledTimes(PER_MINUTE);
    expect(await counters()).toEqual({ accepted: PER_MINUTE, 'refused.too-many': 50 });
    expect(await bench.site.store.results.countAbout('door', 0, NOW_MS * 2)).toBe(PER_MINUTE);
    expect(await codes()).toContain('REFUSED_TOO_MANY');
    await send({ frameTimeMs: NOW_MS + MINUTE_MS }, NOW_MS + MINUTE_MS);
    await send({ camera: 'yard' });
    expect(await counters(), 'the next minute and other cameras go on').toMatchObject({
      accepted: PER_MINUTE + 2,
    });
  });

  it('spread over old minutes are no more than rate × time either, and each minute is used up once', async () => {
    start(0.05); // Three a minute, with tolerance nine.
    for (let round = 0; round < 2; round++) {
      for (let minute = 0; minute < 10; minute++) {
        for (let index = 0; index < 12; index++) {
          await send({ frameTimeMs: NOW_MS - minute * MINUTE_MS - index, historical: true });
        }
      }
      start(0.05);
    }
    expect(decrypt).toHaveBeenCalledTimes(90);
    expect(await counters()).toEqual({ accepted: 90, 'refused.too-many': 150 });
  });

  it('are bounded by the camera’s own bound, where the owner gave it one', async () => {
    start(1, [{ name: 'door', perSecond: 0.05 }]);
    for (let index = 0; index < 30; index++) {
      await send({ frameTimeMs: NOW_MS - index });
      await send({ camera: 'yard', frameTimeMs: NOW_MS - index });
    }
    expect(await counters()).toEqual({ accepted: 9 + 30, 'refused.too-many': 21 });
  });

  it('that are no answers at all use up its rate, too, so that a flood of them is not kept', async () => {
    start(0.05);
    for (let index = 0; index < 30; index++) await send({ ciphertext: answer.subarray(1) });
    expect(await counters()).toEqual({ 'refused.size': 9, 'refused.too-many': 21 });
    expect(decrypt).toHaveBeenCalledTimes(0);
  });

  it('dated 29 days back, or before the gateway was enrolled, are not decrypted', async () => {
    for (let index = 0; index < 20; index++)
      await send({ frameTimeMs: NOW_MS - 29 * DAY_MS + index * MINUTE_MS });
    await send({ frameTimeMs: 1 });
    expect(decrypt).toHaveBeenCalledTimes(0);
    expect(await counters()).toEqual({ 'refused.too-old': 21 });
    expect(await codes()).toContain('REFUSED_TOO_OLD');

    const fresh = await bench.enrol('fresh', NOW_MS - 2 * HOUR_MS);
    await send({ camera: 'gate', frameTimeMs: NOW_MS - 4 * HOUR_MS }, NOW_MS, fresh);
    expect(await counters()).toEqual({ 'refused.too-old': 22 });
    await send({ camera: 'gate', frameTimeMs: NOW_MS - 2 * HOUR_MS - 30 * MINUTE_MS }, NOW_MS, fresh);
    expect(await counters(), 'its clock may have been a little behind').toMatchObject({ accepted: 1 });
  });

  it('dated in the future are refused, and no gap; a clock that is a little ahead dates by the arrival', async () => {
    await send({});
    await send({ frameTimeMs: NOW_MS + 121_000 });
    await send({ frameTimeMs: Date.UTC(2099, 0, 1) });
    await send({ frameTimeMs: 1e300 });
    expect(decrypt).toHaveBeenCalledTimes(1);
    expect(await codes()).toContain('REFUSED_FUTURE');
    await send({ frameTimeMs: NOW_MS + 90_000, ciphertext: network.answer([0.3, 0.8]) });
    expect(published()).toEqual([NOW_MS, NOW_MS].map((ms) => new Date(ms).toISOString()));
    expect(await counters()).toEqual({ accepted: 2, 'refused.future': 3 });
    expect((await bench.site.store.gateways.get('gate'))?.last).toEqual({ session: 1, sequence: 5 });
  });

  it('that waited in an outbox as long as it keeps them are all taken, at their full rate', async () => {
    const oldestMs = NOW_MS - 72 * HOUR_MS;
    for (let second = 0; second < 130; second++) {
      await send({ frameTimeMs: oldestMs + second * 1000, historical: true });
    }
    // An expiry that comes a little late, and a queue on the way.
    await send({ frameTimeMs: oldestMs - 10 * MINUTE_MS, historical: true });
    expect(await counters()).toEqual({ accepted: 131 });
    expect(published()[0]).toBe(new Date(oldestMs).toISOString());
  });

  it('that waited here until somebody decided are as old as they were when they came', async () => {
    const longAgoMs = NOW_MS - 10 * DAY_MS;
    await send({ frameTimeMs: longAgoMs - HOUR_MS }, longAgoMs);
    expect(await counters()).toEqual({ accepted: 1 });
  });
});

describe('answerLimits', () => {
  it('takes nothing about a time that may be forgotten, because that would be counted anew', () => {
    const answers = {
      perCameraPerSecond: 2,
      cameras: [{ name: 'door', perSecond: 1 }],
      maxAgeHours: 72,
    };
    expect(answerLimits({ answers, resultsDays: 30 })).toEqual({
      perCameraPerSecond: 2,
      ofCameras: new Map([['door', 1]]),
      maxAgeMs: 72 * HOUR_MS,
      formerReleaseMs: 72 * HOUR_MS,
    });
    expect(answerLimits({ answers, resultsDays: 2 }).maxAgeMs).toBe(47 * HOUR_MS);
  });
});
