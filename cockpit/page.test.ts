import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
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
import { until } from './testing/until.ts';

const bench = cockpitBench();

const label = (page: Page) => page.locator('.answer-label');
const withResult = (frameAgeMs: number, change = {}) =>
  presentSite({
    cameras: [cameraOf({ result: resultOf({ frameTime: agoTime(frameAgeMs), ...change }) })],
  });

describe('a camera', () => {
  it('shows its answer, and the next one as it comes, without a complaint or a foreign request', async () => {
    const { page, complaints, requests } = await bench.open();
    await page.getByText('97 %').first().waitFor();
    await expect.poll(() => label(page).textContent()).toBe('counter: Person');
    await expect.poll(() => label(page).getAttribute('aria-live')).toBe('polite');

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
    await expect.poll(() => label(page).textContent()).toBe('counter: Empty');

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
    await expect.poll(() => page.locator('.region h3').allTextContents()).toEqual(['entrance', 'stairs']);
    await expect
      .poll(() => label(page).allTextContents())
      .toEqual(['counter, entrance: Person', 'counter, stairs: Person']);
    const hours = page.locator('.region .plot');
    await until(
      async () => hours.nth(1).getAttribute('aria-label'),
      (text) => /^Last hour, [\d,\s]+ answers/.test(text ?? ''),
    );
    await expect.poll(() => hours.nth(0).getAttribute('aria-label')).toBe('No answers in the last hour.');
    await until(
      async () => bench.site().listeners,
      (count) => count === 1,
    );
    const next = resultOf({ region: 'stairs', label: 'empty', frameTime: agoTime(0), sequence: 2 });
    bench.site().sendResult(next);
    await page.getByText('counter, stairs: Empty').waitFor();
    await expect.poll(() => label(page).first().textContent()).toBe('counter, entrance: Person');
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
    bench.site().site = withResult(1000);
    const { page } = await bench.open();
    const age = page.locator('.answer-age');
    await expect.poll(() => age.textContent()).toMatch(/^Seen \d+\s s ago$|^Seen \d+\ss ago$/);
    await expect.poll(() => page.locator('.answer.is-stale').count()).toBe(0);
    await page.locator('.answer.is-stale').waitFor();
    await expect.poll(() => age.textContent()).toMatch(/^StaleSeen \d\d\ss ago$/);

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
    await page.locator('.camera .chip', { hasText: 'Access denied' }).waitFor();
    await page.locator('.headline', { hasText: 'counter: Access denied' }).waitFor();
    await expect
      .poll(() => page.locator('.reason').textContent())
      .toMatch(/password\. 401 from 10\.0\.4\.17\. Trying again in \d+\ss\./);
    await expect.poll(() => label(page).textContent()).toBe('No answer yet');
  });

  it('names the network that its settings name, and says that the gateway does not have it', async () => {
    const detail = 'its settings name network carpark, which this gateway does not have';
    const state = cameraStateOf({ network: 'carpark', state: 'no-network', detail });
    const gateways = [gatewayOf({ beside: [{ name: 'carpark', version: 2 }] })];
    bench.site().site = presentSite({ gateways, cameras: [cameraOf({ state, result: null })] });
    const { page } = await bench.open();
    await page.getByText('No network', { exact: true }).waitFor();
    const fact = page.locator('.fact', { hasText: 'Network' });
    await expect.poll(() => fact.textContent()).toContain('carpark v2 is fetched once a camera names it.');
    await expect.poll(() => fact.locator('.fact-value').textContent()).toBe('carpark v2');
    await expect.poll(() => page.locator('.card.gateway').textContent()).toContain('counter v3, carpark v2');
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
    await expect.poll(() => label(page).textContent()).toBe(`counter: ${evil}`);
    await expect.poll(() => page.locator('img, [onerror]').count()).toBe(0);
    await expect.poll(() => page.title()).toBe('(2) Gateway gate-1 does not run its network · old-town');
    expect(complaints).toEqual([]);
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
    await expect
      .poll(() => page.locator('.notice > p').allTextContents())
      .toEqual([
        expect.stringMatching(/^Gateway gate-1 has been in quarantine/),
        expect.stringMatching(/^The message broker is unreachable/),
        expect.stringMatching(/^Gateway gate-1 lost 12 answers/),
      ]);
    await expect
      .poll(() => page.locator('.headline').textContent())
      .toBe('3 need youGateway gate-1 is in quarantine');
    await expect.poll(() => page.title()).toBe('(3) Gateway gate-1 is in quarantine · old-town');
    await expect.poll(() => page.locator('link[rel=icon]').getAttribute('href')).toContain('eye-bad');
    await page.locator('.site-details > summary').click();
    await expect.poll(() => page.getByRole('progressbar').first().getAttribute('value')).toBe('0.42');
    await expect
      .poll(() => page.locator('.count-value').allTextContents())
      .toEqual(['5', '2', '3', '1', '7', '41', '12']);
    await page.getByText('Why answers were refused').click();
    await page.getByText(/^The signature is not that of the gateway\. Look/).waitFor();
  });

  it('never shows a gateway offline beside a fresh answer, nor an old answer of one that is offline as the present', async () => {
    bench.site().site = presentSite({ gateways: [gatewayOf({ state: 'offline', since: agoTime(300) })] });
    const { page } = await bench.open();
    await page.getByText('Gateway offline').waitFor();
    await expect.poll(() => page.locator('.answer.is-live').count()).toBe(0);
    await until(
      async () => bench.site().listeners,
      (count) => count === 1,
    );
    bench.site().sendResult(resultOf({ frameTime: agoTime(0), sequence: 2 }));
    await page.locator('.answer.is-live').waitFor();
    await expect.poll(() => page.getByText(/offline/i).count()).toBe(0);
  });

  it('says whose clock is wrong', async () => {
    bench.site().site = presentSite({ gateways: [gatewayOf({ clockOffsetMs: 720_000 })] });
    const { page } = await bench.open();
    await page.getByText(/clock of gateway gate-1 is 12\smin ahead/).waitFor();
  });

  it('says what to do about a camera that shows something the network was not trained for, and no more once answers come', async () => {
    const unusual = [{ since: '2026-01-01T00:00:00.000Z' }];
    const gateway = gatewayOf({ held: { answers: 812, dropped: 0 } });
    const shown = presentSite({ gateways: [gateway] });
    bench.site().site = { ...shown, cameras: [{ ...shown.cameras[0]!, withheld: 4321, unusual }] };
    const { page } = await bench.open();
    await page.getByText('This camera shows something the network was not trained for').waitFor();
    await expect.poll(() => page.locator('.camera .chip').first().textContent()).toBe('Unusual picture');
    await expect.poll(() => page.locator('.gateway').textContent()).toMatch(/Kept812/);
    await page.locator('.camera summary').click();
    await page.getByText(/4.321/).waitFor();
    bench.site().setState(shown);
    await page.getByText('This camera shows').waitFor({ state: 'detached' });
  });

  it('has words for a site without gateway, and for a gateway without camera', async () => {
    bench.site().site = presentSite({ gateways: [], cameras: [] });
    const { page } = await bench.open();
    // The headline says of both sites that there is no camera yet.
    const noCamera = page.getByRole('heading', { name: 'No camera yet' });
    await page.getByRole('heading', { name: 'No gateway yet' }).waitFor();
    await expect.poll(() => noCamera.count()).toBe(0);
    await page.getByText('npx blindsight gateway enrol NAME --out FOLDER --data /srv/old-town').waitFor();
    await until(
      async () => bench.site().listeners,
      (count) => count === 1,
    );
    bench.site().setState(presentSite({ cameras: [] }));
    await noCamera.waitFor();
    bench.site().setState(presentSite());
    await label(page).waitFor();
    await expect.poll(() => page.getByText('No camera yet').count()).toBe(0);
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
