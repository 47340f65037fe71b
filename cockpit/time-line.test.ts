import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { boundHistory } from '#protocol/thin-history.ts';
import { agoTime, cockpitBench, presentSite } from './testing/cockpit-bench.ts';
import { hourOf } from './testing/hour.ts';
import { plain } from './testing/plain.ts';
import { until } from './testing/until.ts';

const bench = cockpitBench();

describe('the time line', () => {
  /** Number of canvas pixels that have the color of the legend's swatch number `index`. */
  const painted = (page: Page, index: number) =>
    page.locator('.plot canvas').evaluate((element, at) => {
      const canvas = element as HTMLCanvasElement;
      const swatch = document.querySelectorAll('.legend .swatch')[at];
      if (swatch === undefined) return -1;
      const wanted = (getComputedStyle(swatch).backgroundColor.match(/\d+/g) ?? []).map(Number);
      const pixels = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
      let count = 0;
      for (let pixel = 0; pixel < pixels.length; pixel += 4) {
        if (wanted.every((value, channel) => pixels[pixel + channel] === value)) count++;
      }
      return count;
    }, index);

  it('paints every label in the color of its legend, in both themes', async () => {
    bench.site().histories.set('counter', hourOf('counter', Date.now(), 2000));
    const { page } = await bench.open({ colorScheme: 'light' });
    for (const theme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme: theme });
      await until(
        () => painted(page, 0),
        (count) => count > 5000,
      );
      await until(
        () => painted(page, 1),
        (count) => count > 5000,
      );
    }
    await expect
      .poll(() => page.locator('.plot').getAttribute('aria-label'))
      .toMatch(/^Last hour, [\d\s]+ answers: Empty \d+ %, Person \d+ %\.$/);
  });

  /** Columns of the plot in which the color of the legend's swatch number `index` appears, as spans of shares of its width. */
  const spans = (page: Page, index: number) =>
    page.locator('.plot canvas').evaluate((element, at) => {
      const canvas = element as HTMLCanvasElement;
      const swatch = document.querySelectorAll('.legend .swatch')[at];
      const wanted = (getComputedStyle(swatch!).backgroundColor.match(/\d+/g) ?? []).map(Number);
      const over = document.querySelector('.plot .u-over')!.getBoundingClientRect();
      const box = canvas.getBoundingClientRect();
      // Before its first layout the plot has no width, and nothing is drawn yet.
      if (box.width === 0 || over.width === 0) return [];
      const scale = canvas.width / box.width;
      const [left, width] = [Math.round((over.left - box.left) * scale), Math.round(over.width * scale)];
      const { data } = canvas.getContext('2d')!.getImageData(left, 0, width, canvas.height);
      const found: [number, number][] = [];
      for (let x = 0; x < width; x++) {
        let has = false;
        for (let y = 0; y < canvas.height && !has; y++) {
          const pixel = (y * width + x) * 4;
          has = wanted.every((value, channel) => data[pixel + channel] === value);
        }
        if (!has) continue;
        const last = found.at(-1);
        if (last !== undefined && last[1] >= x - 2) last[1] = x;
        else found.push([x, x]);
      }
      return found.map(([from, to]) => [from / width, to / width] as const);
    }, index);

  it('begins where its data begin, and breaks where the camera was away', async () => {
    const now = Date.now();
    const at = (agoMs: number) => now - agoMs;
    // Four minutes, ten answers a second; for twelve seconds two minutes ago there was nobody to answer.
    const times = Array.from({ length: 2400 }, (_, index) => at(240_000 - index * 100)).filter(
      (time) => time < at(120_000) || time > at(108_000),
    );
    const ones = times.map(() => 1);
    const line = { labels: ['empty', 'person'], times, probabilities: [ones.map(() => 0), ones] };
    const rest = { camera: 'counter', answers: ones, slotMs: 0, withheld: [at(60_000)] };
    bench.site().histories.set('counter', { ...line, ...rest });
    const { page } = await bench.open();
    const [early, late] = await until(
      () => spans(page, 1),
      (found) => found.length === 2,
    );
    expect(early![0]).toBeLessThan(0.02);
    expect(early![1]).toBeGreaterThan(0.47);
    expect(early![1]).toBeLessThan(0.53);
    expect(late![0] - early![1]).toBeGreaterThan(0.02);
    expect(late![1]).toBeGreaterThan(0.9);
    expect(plain((await page.locator('.time-line-title').textContent()) ?? '')).toBe('Last 4 min');
    const marks = await spans(page, 2);
    expect(marks).toHaveLength(1);
    expect(Math.abs(marks[0]![0] - 0.75)).toBeLessThan(0.03);
  });

  it('marks a withheld answer as it comes', async () => {
    const shown = presentSite();
    bench.site().site = shown;
    bench.site().histories.set('counter', hourOf('counter', Date.now(), 60_000));
    const { page } = await bench.open();
    await until(
      async () => (await spans(page, 1)).length,
      (count) => count > 0,
    );
    await expect.poll(() => page.locator('.legend').textContent()).not.toContain('Withheld');
    bench.site().setState({ ...shown, time: agoTime(0), cameras: [{ ...shown.cameras[0]!, withheld: 1 }] });
    await page.locator('.legend').getByText('Withheld').waitFor();
    const [mark] = await until(
      () => spans(page, 2),
      (found) => found.length === 1,
    );
    expect(mark![1]).toBeGreaterThan(0.97);
  });

  it('shows an event of one answer in an hour of ten answers a second', async () => {
    const now = Date.now();
    const times = Array.from({ length: 35_500 }, (_, index) => now - 3_550_000 + index * 100);
    const person = times.map((_, index) => (index === 20_000 ? 1 : 0));
    const line = { labels: ['empty', 'person'], times, probabilities: [person.map((p) => 1 - p), person] };
    const rest = { camera: 'counter', answers: times.map(() => 1), slotMs: 0, withheld: [] };
    bench.site().histories.set('counter', boundHistory({ ...line, ...rest }));
    const { page } = await bench.open();
    const found = await until(
      () => spans(page, 1),
      (seen) => seen.length > 0,
    );
    expect(found).toHaveLength(1);
    expect(Math.abs(found[0]![0] - 0.56)).toBeLessThan(0.03);
    const label = (await page.locator('.plot').getAttribute('aria-label')) ?? '';
    expect(plain(label)).toMatch(/^Last hour, 35 500 answers: Empty 100 %, Person 0 %\.$/);
  });

  it('tells the numbers of the moment under the pointer', async () => {
    bench.site().histories.set('counter', hourOf('counter', Date.now(), 2000));
    const { page } = await bench.open();
    await until(
      () => painted(page, 1),
      (count) => count > 5000,
    );
    await page.locator('.plot .u-over').hover({ position: { x: 200, y: 30 } });
    await until(
      () => page.locator('.time-line-title').textContent(),
      (text) => /^At \d\d:\d\d:\d\d$/.test(text ?? ''),
    );
  });

  it('is walked by keyboard', async () => {
    bench.site().histories.set('counter', hourOf('counter', Date.now(), 2000));
    const { page } = await bench.open();
    await until(
      () => painted(page, 1),
      (count) => count > 5000,
    );
    const slider = page.getByRole('slider');
    await slider.focus();
    const seen = new Set<string | null>();
    for (const key of ['ArrowLeft', 'ArrowLeft', 'Home']) {
      await page.keyboard.press(key);
      const text = await until(
        () => slider.getAttribute('aria-valuetext'),
        (value) => /^At \d\d:\d\d:\d\d, Empty \d+\s%, Person \d+\s%$/.test(value ?? '') && !seen.has(value),
      );
      seen.add(text);
    }
    await page.keyboard.press('Escape');
    await until(
      () => slider.getAttribute('aria-valuetext'),
      (value) => (value ?? '').startsWith('Now, '),
    );
  });

  it('follows the width of the window', async () => {
    const { page } = await bench.open({ viewport: { width: 1200, height: 800 } });
    await page.locator('.plot canvas').waitFor();
    await page.setViewportSize({ width: 500, height: 800 });
    await until(
      () => page.locator('.uplot').evaluate((element) => element.getBoundingClientRect().width),
      (width) => width > 300 && width < 500,
    );
  });
});
