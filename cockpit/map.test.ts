import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { emptyHistory } from '#protocol/thin-history.ts';
import type { Zone } from '#protocol/zone.ts';
import { agoTime, cockpitBench, presentSite } from './testing/cockpit-bench.ts';
import { cameraOf, cameraStateOf, mapResultOf, modelOf } from './testing/fixtures.ts';
import { until } from './testing/until.ts';

const ENTRANCE: Zone = {
  name: 'entrance',
  corners: [
    [0, 0.3],
    [0.5, 0.3],
    [0.5, 0.6],
    [0, 0.6],
  ],
};
const zones = (car: number) => [{ name: 'entrance', counts: { car } }];

const bench = cockpitBench();

function squareSite(ageMs = 500) {
  const result = mapResultOf({ zones: zones(2), frameTime: agoTime(ageMs) });
  const state = cameraStateOf({
    since: agoTime(60_000),
    inferenceRate: 5,
    size: { width: 640, height: 480 },
  });
  const network = modelOf({ name: 'carpark', version: 1, labels: ['car'], task: 'map' });
  return presentSite({
    cameras: [cameraOf({ state, result, zones: [ENTRANCE] })],
    models: [modelOf(), { ...network, map: { height: 22, width: 30 } }],
  });
}

/** Middles of the dots in fractions of the plan, to a hundredth, from left to right. */
const dots = (page: Page) =>
  page.locator('.plan').evaluate((plan) => {
    const { left, top, width, height } = plan.getBoundingClientRect();
    const middles = [...plan.querySelectorAll('.plan-dot circle')].map((dot) => {
      const box = dot.getBoundingClientRect();
      return [(box.left + box.width / 2 - left) / width, (box.top + box.height / 2 - top) / height];
    });
    return middles
      .map((at) => at.map((value) => Math.round(value * 100) / 100))
      .sort((a, b) => a[0]! - b[0]!);
  });

describe('a camera whose network answers with a map', () => {
  it('shows counts, zones and moving dots on an empty plan in the form of its picture', async () => {
    bench.site().site = squareSite();
    bench.site().histories.set('counter', {
      ...emptyHistory('counter'),
      ...{ task: 'map', labels: ['car'], times: [Date.now() - 40_000], answers: [1], counts: [[3]] },
    });
    const { page, complaints, requests } = await bench.open({ viewport: { width: 1280, height: 800 } });
    const plan = page.getByRole('img', { name: 'Plan of counter: 3 cars: entrance 2' });
    await plan.waitFor();
    const { width, height } = (await plan.boundingBox())!;
    expect(width / height).toBeCloseTo(4 / 3, 1);
    await expect.poll(() => page.locator('.answer-counts').textContent()).toBe('3 cars');
    await expect.poll(() => page.locator('.answer-zones').textContent()).toBe('entrance2');
    await expect.poll(() => page.locator('[aria-live]').textContent()).toBe('counter: 3 cars: entrance 2');
    await until(
      () => dots(page),
      (at) =>
        JSON.stringify(at) ===
        JSON.stringify([
          [0.22, 0.43],
          [0.38, 0.48],
          [0.75, 0.75],
        ]),
    );
    // Two metres: a digit of 12 mm and more.
    const size = await page
      .locator('.answer-count')
      .evaluate((element) => Number.parseFloat(getComputedStyle(element).fontSize));
    expect(size * 0.7 * 0.26).toBeGreaterThan(12);

    await until(
      async () => bench.site().listeners,
      (count) => count === 1,
    );
    const moving = await page.locator('.plan-dot').first().elementHandle();
    const points = [
      { label: 'car', x: 0.75, y: 0.75 },
      { label: 'car', x: 0.25, y: 0.432 },
    ];
    bench
      .site()
      .sendResult(
        mapResultOf({ counts: { car: 2 }, points, zones: zones(1), frameTime: agoTime(0), sequence: 2 }),
      );
    await page.getByRole('img', { name: 'Plan of counter: 2 cars: entrance 1' }).waitFor();
    await until(
      () => dots(page),
      (at) =>
        JSON.stringify(at) ===
        JSON.stringify([
          [0.25, 0.43],
          [0.75, 0.75],
        ]),
    );
    // The one that moved is still the same dot.
    expect(await moving!.evaluate((dot) => dot.isConnected)).toBe(true);
    const hour = page.locator('.plot');
    await until(
      async () => hour.getAttribute('aria-label'),
      (words) => words === 'Last minute, 2 answers: at most 3 cars, at last 2.',
    );
    await expect.poll(() => hour.getAttribute('aria-valuetext')).toBe('Now, Car 2');
    await expect.poll(() => page.locator('img, image, video, picture').count()).toBe(0);
    expect(requests.filter((address) => /\.(jpe?g|png|webp|gif|mp4)/.test(address))).toEqual([]);
    expect(complaints).toEqual([]);
  });

  it('fits a phone, and fades what is stale', async () => {
    bench.site().site = squareSite(100_000);
    const { page } = await bench.open({ viewport: { width: 360, height: 740 }, isMobile: true });
    await page.locator('.plan.is-stale').waitFor();
    await page.getByText('Stale').waitFor();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
  });

  it('shows numbers alone where no places are told', async () => {
    const site = squareSite();
    const { points: _, zones: __, ...told } = mapResultOf({ output: 'label', frameTime: agoTime(500) });
    bench.site().site = { ...site, cameras: [{ ...site.cameras[0]!, result: told }] };
    const { page } = await bench.open();
    await page.getByText('3 cars').first().waitFor();
    await expect.poll(() => page.locator('.plan').count()).toBe(0);
  });
});
