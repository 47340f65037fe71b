import { generateKeyPairSync } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { signConfiguration } from '#protocol/configuration.ts';
import type { ConfigurationStatus } from '../store/configurations.ts';
import { enrolTestGateway, makeTestSite, type TestSite } from '../testing/test-site.ts';
import { AnswerBounds, answerLimits } from './answer-bounds.ts';
import { AnswerRates } from './answer-rates.ts';
import { BatchRecords } from './batch-records.ts';

const [MINUTE_MS, HOUR_MS] = [60_000, 3_600_000];
const NOW_MS = Date.UTC(2026, 5, 1, 12, 0, 0);
const { privateKey } = generateKeyPairSync('ed25519');

describe('rates that the owner has pushed', () => {
  let site: TestSite;
  beforeEach(async () => {
    site = await makeTestSite();
    await enrolTestGateway(site, 'gate');
  });
  afterEach(() => site.close());

  /** Pushes a rate for the camera `door`. */
  async function push(version: number, atMs: number, rate: number, regions: readonly string[] = []) {
    const places = regions.map((name) => `{ name: ${name}, x: 0, y: 0, width: 1, height: 1 }`);
    const settings = [
      'cameras:',
      '  - name: door',
      '    url: rtsp://camera/stream',
      `    rate: ${rate}`,
      ...(regions.length > 0 ? [`    regions: [${places.join(', ')}]`] : []),
    ].join('\n');
    const wire = signConfiguration(
      { schema: 1, site: site.name, gateway: 'gate', version, createdMs: atMs, settings, credentials: [] },
      privateKey,
    );
    await site.store.configurations.add({ gateway: 'gate', version, author: 'me', wire, createdMs: atMs });
  }
  const become = (version: number, status: ConfigurationStatus, atMs: number) =>
    site.store.configurations.setStatus('gate', version, status, null, atMs);
  const pushed = () => new BatchRecords(site.store).pushed('gate');
  const ratesAt = async (ms: number, camera = 'door') => {
    const span = { fromMs: ms, toMs: ms + MINUTE_MS };
    const known = new AnswerRates(site.store);
    const { rates, mayRunFile } = await known.ratesOf(await pushed(), 'gate', camera, span);
    return [...rates.map(({ perSecond }) => perSecond), ...(mayRunFile ? ['file'] : [])];
  };

  it('are not known where nothing was pushed, or before it ran', async () => {
    expect(await ratesAt(NOW_MS)).toEqual(['file']);
    await push(1, NOW_MS, 2);
    expect(await ratesAt(NOW_MS - HOUR_MS)).toEqual(['file']);
    expect(await ratesAt(NOW_MS + HOUR_MS)).toEqual([2, 'file']);
    await become(1, 'applied', NOW_MS + HOUR_MS);
    expect(await ratesAt(NOW_MS + HOUR_MS)).toEqual([2, 'file']);
    expect(await ratesAt(NOW_MS + 2 * HOUR_MS)).toEqual([2]);
  });

  it('around a push are the old and the new ones, and afterwards the new ones alone', async () => {
    await push(1, NOW_MS - 9 * HOUR_MS, 8);
    await become(1, 'applied', NOW_MS - 9 * HOUR_MS);
    await push(2, NOW_MS, 1);
    expect(await ratesAt(NOW_MS - HOUR_MS)).toEqual([8]);
    expect(await ratesAt(NOW_MS)).toEqual([1, 8]);
    expect(await ratesAt(NOW_MS + HOUR_MS), 'it has not said that it runs it').toEqual([1, 8]);
    await become(2, 'applied', NOW_MS + HOUR_MS);
    expect(await ratesAt(NOW_MS + HOUR_MS)).toEqual([1, 8]);
    expect(await ratesAt(NOW_MS + HOUR_MS + 2 * MINUTE_MS)).toEqual([1]);
    // Answers that waited in an outbox are about the time before.
    expect(await ratesAt(NOW_MS - HOUR_MS)).toEqual([8]);
    expect(await ratesAt(NOW_MS + 2 * HOUR_MS, 'yard'), 'a camera that is not in them').toEqual([]);
  });

  it('of a version that was rejected do not count', async () => {
    await push(1, NOW_MS - 9 * HOUR_MS, 8);
    await become(1, 'applied', NOW_MS - 9 * HOUR_MS);
    await push(2, NOW_MS, 60);
    await become(2, 'rejected', NOW_MS);
    expect(await ratesAt(NOW_MS + HOUR_MS)).toEqual([8]);
  });

  it('bound its answers, one for each group of regions that its network answers at once', async () => {
    await push(1, NOW_MS - 9 * HOUR_MS, 0.5, ['a', 'b', 'c', 'd', 'e']);
    await become(1, 'applied', NOW_MS - 9 * HOUR_MS);
    const limit = async (regionsAtOnce: number, cameras: { name: string; perSecond: number }[] = []) => {
      const limits = answerLimits({
        answers: { perCameraPerSecond: 20, cameras, maxAgeHours: 72 },
        resultsDays: 30,
      });
      const bounds = new AnswerBounds(site.store, limits);
      const answer = { gateway: 'gate', camera: 'door', frameMs: NOW_MS, receivedMs: NOW_MS, regionsAtOnce };
      for (let count = 0; ; count++) {
        if ((await bounds.refusal(answer, 0, pushed)) !== null) return count;
        bounds.add('door', NOW_MS);
      }
    };
    // 0.5 a second for a minute, times two, three or five ciphertexts; 5 % and five more.
    expect(await limit(4)).toBe(68);
    expect(await limit(2)).toBe(100);
    expect(await limit(1)).toBe(163);
    expect(await limit(1, [{ name: 'door', perSecond: 0.1 }]), 'what the owner says by name').toBe(12);
  });
});
