import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { boundHistory } from '#protocol/thin-history.ts';
import { agoTime, cockpitBench, presentSite } from './testing/cockpit-bench.ts';
import {
  cameraOf,
  cameraStateOf,
  gatewayOf,
  healthOf,
  modelOf,
  reportedOf,
  resultOf,
  siteOf,
} from './testing/fixtures.ts';
import { hourOf } from './testing/hour.ts';
import { plain } from './testing/plain.ts';

const bench = cockpitBench();

const label = (page: Page) => page.locator('.answer-label');
const withResult = (frameAgeMs: number, change = {}) =>
  presentSite({
    cameras: [cameraOf({ result: resultOf({ frameTime: agoTime(frameAgeMs), ...change }) })],
  });

/** `textContent` waits for the element, not for the text. */
async function until<T>(read: () => Promise<T>, accept: (value: T) => boolean): Promise<T> {
  const deadlineMs = Date.now() + 10_000;
  for (;;) {
    const value = await read();
    if (accept(value)) return value;
    if (Date.now() > deadlineMs) throw new Error(`waited in vain; last seen: ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe('a camera', () => {
  it('shows its answer, and the next one as it comes, without a complaint or a foreign request', async () => {
    const { page, complaints, requests } = await bench.open();
    await page.getByText('97 %').first().waitFor();
    expect(await label(page).textContent()).toBe('counter: Person');
    expect(await label(page).getAttribute('aria-live')).toBe('polite');

    await until(
      async () => bench.site().listeners,
      (count) => count === 1,
    );
    const probabilities = { empty: 0.91, person: 0.09 };
    bench
      .site()
      .sendResult(
        resultOf({ label: 'empty', probability: 0.91, probabilities, frameTime: agoTime(0), sequence: 2 }),
      );
    await page.getByText('91 %').first().waitFor();
    expect(await label(page).textContent()).toBe('counter: Empty');

    expect(complaints).toEqual([]);
    expect(requests.length).toBeGreaterThan(4);
    expect(requests.filter((address) => !address.startsWith(bench.site().url))).toEqual([]);
  });

  it('shows its regions one by one, each with its own hour and its next answer', async () => {
    const regions = ['entrance', 'stairs'].map((region) => ({
      region,
      result: resultOf({ region, frameTime: agoTime(500) }),
    }));
    const { histories } = bench.site();
    bench.site().site = presentSite({ cameras: [cameraOf({ result: null, regions })] });
    histories.set('counter/stairs', { ...hourOf('counter', Date.now(), 60_000), region: 'stairs' });
    const { page, complaints } = await bench.open();
    await label(page).nth(1).waitFor();
    expect(await page.locator('.region h3').allTextContents()).toEqual(['entrance', 'stairs']);
    expect(await label(page).allTextContents()).toEqual([
      'counter, entrance: Person',
      'counter, stairs: Person',
    ]);
    const hours = page.locator('.region .plot');
    await until(
      async () => hours.nth(1).getAttribute('aria-label'),
      (text) => /^Last hour, [\d,\s]+ answers/.test(text ?? ''),
    );
    expect(await hours.nth(0).getAttribute('aria-label')).toBe('No answers in the last hour.');
    await until(
      async () => bench.site().listeners,
      (count) => count === 1,
    );
    const next = resultOf({ region: 'stairs', label: 'empty', frameTime: agoTime(0), sequence: 2 });
    bench.site().sendResult(next);
    await page.getByText('counter, stairs: Empty').waitFor();
    expect(await label(page).first().textContent()).toBe('counter, entrance: Person');
    expect(complaints).toEqual([]);
  });

  it('is legible from two metres: letters of 12 mm and more', async () => {
    const { page } = await bench.open({ viewport: { width: 1280, height: 800 } });
    const size = await label(page).evaluate((element) =>
      Number.parseFloat(getComputedStyle(element).fontSize),
    );
    // A CSS pixel is 0.26 mm; a capital is about 0.7 of the font size.
    expect(size * 0.7 * 0.26).toBeGreaterThan(12);
  });

  it('ages by itself and turns stale without a word from anyone', async () => {
    bench.site().site = withResult(8000);
    const { page } = await bench.open();
    const age = page.locator('.answer-age');
    expect(await age.textContent()).toMatch(/^Seen \d+\s s ago$|^Seen \d+\ss ago$/);
    expect(await page.locator('.answer.is-stale').count()).toBe(0);
    await page.locator('.answer.is-stale').waitFor({ timeout: 8000 });
    expect(await age.textContent()).toMatch(/^StaleSeen 1\d\ss ago$/);

    await until(
      async () => bench.site().listeners,
      (count) => count === 1,
    );
    bench.site().sendResult(resultOf({ frameTime: agoTime(0) }));
    await page.locator('.answer.is-live').waitFor();
  });

  it('is judged by the clock of the site, not of the browser', async () => {
    const hourOff = 3_600_000;
    bench.site().site = siteOf({
      time: agoTime(hourOff),
      cameras: [cameraOf({ result: resultOf({ frameTime: agoTime(hourOff + 1000) }) })],
    });
    const { page } = await bench.open();
    await page.locator('.answer.is-live').waitFor();
  });

  it('says why it does not deliver and when it tries again', async () => {
    const state = cameraStateOf({
      state: 'unauthorized',
      detail: '401 from 10.0.4.17.',
      nextRetry: agoTime(-30_000),
    });
    bench.site().site = presentSite({ cameras: [cameraOf({ state, result: null })] });
    const { page } = await bench.open();
    await page.getByText('Not let in').waitFor();
    expect(await page.locator('.reason').textContent()).toMatch(
      /password\. 401 from 10\.0\.4\.17\. Trying again in \d+\ss\./,
    );
    expect(await label(page).textContent()).toBe('No answer yet');
  });

  it('shows whatever a label or a reason says as text, never as markup', async () => {
    const evil = '<img src=x onerror="document.title=1">';
    bench.site().site = presentSite({
      cameras: [
        cameraOf({
          state: cameraStateOf({ state: 'failed', detail: evil }),
          result: resultOf({ label: evil, probabilities: { [evil]: 1 }, frameTime: agoTime(0) }),
        }),
      ],
      gateways: [
        gatewayOf({ reported: reportedOf({ status: 'refused', error: { code: 'X', message: evil } }) }),
      ],
      models: [modelOf({ labels: [evil] })],
    });
    const { page, complaints } = await bench.open();
    expect(await label(page).textContent()).toBe(`counter: ${evil}`);
    expect(await page.locator('img, [onerror]').count()).toBe(0);
    expect(await page.title()).toBe('Blindsight cockpit');
    expect(complaints).toEqual([]);
  });
});

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
    expect(await page.locator('.plot').getAttribute('aria-label')).toMatch(
      /^Last hour, [\d\s]+ answers: Empty \d+ %, Person \d+ %\.$/,
    );
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
    expect(await page.locator('.legend').textContent()).not.toContain('Withheld');
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

describe('the site', () => {
  it('shows quarantine, deployment progress, a lost broker and everything that is counted', async () => {
    bench.site().site = presentSite({
      broker: { connected: false, detail: 'connection refused' },
      gateways: [
        gatewayOf({
          quarantine: { since: '2026-01-01T00:00:00.000Z', reason: 'not-zero' },
          reported: reportedOf({ status: 'fetching', progress: 0.42 }),
          health: healthOf({ outbox: { waiting: 41, dropped: 12, bytes: 1, oldestSeconds: 9 } }),
        }),
      ],
      counters: { accepted: 5, duplicates: 3, gaps: 2, refused: { signature: 7 }, withheld: 1 },
    });
    const { page } = await bench.open();
    const notices = await page.locator('.notice').allTextContents();
    expect(notices.map((text) => text.slice(0, 30))).toEqual([
      'Gateway gate-1 is in quarantin',
      'The message broker is away (co',
      'Gateway gate-1 lost 12 answers',
    ]);
    expect(await page.getByRole('progressbar').first().getAttribute('value')).toBe('0.42');
    expect(await page.locator('.count-value').allTextContents()).toEqual([
      '5',
      '2',
      '3',
      '1',
      '7',
      '41',
      '12',
    ]);
    await page.getByText('Why answers were refused').click();
    await page.getByText(/^The signature is not the one of the gateway\. Look/).waitFor();
  });

  it('never shows a gateway offline beside a fresh answer, nor an old answer of one that is offline as the present', async () => {
    bench.site().site = presentSite({ gateways: [gatewayOf({ state: 'offline', since: agoTime(300) })] });
    const { page } = await bench.open();
    await page.getByText('Gateway away').waitFor();
    expect(await page.locator('.answer.is-live').count()).toBe(0);
    await until(
      async () => bench.site().listeners,
      (count) => count === 1,
    );
    bench.site().sendResult(resultOf({ frameTime: agoTime(0), sequence: 2 }));
    await page.locator('.answer.is-live').waitFor();
    expect(await page.getByText(/offline|Gateway away/i).count()).toBe(0);
  });

  it('says whose clock is wrong', async () => {
    bench.site().site = presentSite({ gateways: [gatewayOf({ clockOffsetMs: 720_000 })] });
    const { page } = await bench.open();
    await page.getByText(/clock of gateway gate-1 is 12\smin ahead/).waitFor();
  });

  it('says what to do about a camera that shows what the network was not trained for, and no more once answers come', async () => {
    const unusual = [{ since: '2026-01-01T00:00:00.000Z' }];
    const gateway = gatewayOf({ held: { answers: 812, dropped: 0 } });
    const shown = presentSite({ gateways: [gateway] });
    bench.site().site = { ...shown, cameras: [{ ...shown.cameras[0]!, withheld: 4321, unusual }] };
    const { page } = await bench.open();
    await page.getByText('This camera shows what the network was not trained for').waitFor();
    expect(await page.locator('.camera .chip').first().textContent()).toBe('Unusual picture');
    expect(await page.locator('.gateway').textContent()).toMatch(/Kept812/);
    await page.locator('.camera summary').click();
    await page.getByText(/4.321/).waitFor();
    bench.site().setState(shown);
    await page.getByText('This camera shows').waitFor({ state: 'detached' });
  });

  it('has words for a site without gateway, and for a gateway without camera', async () => {
    bench.site().site = presentSite({ gateways: [], cameras: [] });
    const { page } = await bench.open();
    await page.getByText('No gateway yet').waitFor();
    await page.getByText('npx blindsight gateway enrol NAME --out FOLDER --data /srv/old-town').waitFor();
    await until(
      async () => bench.site().listeners,
      (count) => count === 1,
    );
    bench.site().setState(presentSite({ cameras: [] }));
    await page.getByText('No camera yet').waitFor();
    bench.site().setState(presentSite());
    await label(page).waitFor();
    expect(await page.getByText('No camera yet').count()).toBe(0);
  });

  it('keeps the cryptography folded away until somebody asks', async () => {
    const { page } = await bench.open();
    await page.getByText('How it is protected').waitFor();
    expect(
      await page
        .getByText(/CKKS|ring degree/)
        .first()
        .isVisible(),
    ).toBe(false);
    await page.getByText('How it is protected').focus();
    await page.keyboard.press('Enter');
    expect(
      await page
        .getByText(/ring degree .*, modulus 210 bits/)
        .first()
        .isVisible(),
    ).toBe(true);
  });
});

describe('the theme', () => {
  const ground = (page: Page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);

  it('follows the system, can be switched, and is remembered', async () => {
    const { page } = await bench.open({ colorScheme: 'dark' });
    const dark = await ground(page);
    await page.getByRole('button', { name: 'Switch to the light theme' }).click();
    const light = await ground(page);
    expect(light).not.toBe(dark);
    await page.reload();
    await page.getByRole('button', { name: 'Switch to the dark theme' }).waitFor();
    expect(await ground(page)).toBe(light);
    await page.emulateMedia({ colorScheme: 'light' });
    expect(await ground(page)).toBe(light);
  });
});

describe('on a phone', () => {
  it('never scrolls sideways, whatever it has to show', async () => {
    const long = 'a-name-of-thirty-two-characters0';
    bench.site().site = presentSite({
      site: long,
      gateways: [
        gatewayOf({
          name: long,
          quarantine: { since: '2026-01-01T00:00:00.000Z', reason: 'not-zero' },
          reported: reportedOf({ status: 'fetching', progress: 0.1 }),
        }),
      ],
      cameras: [
        cameraOf({
          camera: long,
          gateway: long,
          state: cameraStateOf({ state: 'failed', detail: 'x'.repeat(300) }),
          result: resultOf({ label: 'Donaudampfschifffahrtsgesellschaft', frameTime: agoTime(100_000) }),
        }),
        cameraOf({ gateway: long }),
      ],
      counters: {
        accepted: 51_208_123,
        duplicates: 1,
        gaps: 1,
        refused: { [`E_${'X'.repeat(60)}`]: 3 },
        withheld: 1,
      },
    });
    const { page, complaints } = await bench.open({
      viewport: { width: 360, height: 740 },
      isMobile: true,
      hasTouch: true,
    });
    await label(page).first().waitFor();
    for (const details of await page.locator('summary').all()) await details.click();
    const { scrolled, shown } = await page.evaluate(() => ({
      scrolled: document.documentElement.scrollWidth,
      shown: document.documentElement.clientWidth,
    }));
    expect(shown).toBe(360);
    expect(scrolled).toBe(360);
    expect(complaints).toEqual([]);
  });
});
