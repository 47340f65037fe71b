import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { launchBrowser, openPage, type WatchedPage } from '../../cockpit/testing/browser.ts';
import { RtspServer } from '../testing/rtsp-server.ts';
import { TestSite } from '../testing/test-site.ts';
import { until } from '../testing/until.ts';

const TOKEN = 'a-token-of-the-integrator-0123456789';

let camera: RtspServer;
let site: TestSite;
let browser: Browser;
let watched: WatchedPage;

beforeAll(async () => {
  camera = await RtspServer.start();
  site = await TestSite.create(
    [
      '  - name: halves',
      `    url: rtsp://127.0.0.1:${camera.port}/halves`,
      // The lower half of the bright side.
      '    masks: [[[0.5, 0.5], [1, 0.5], [1, 1], [0.5, 1]]]',
      '    regions:',
      '      - { name: left, x: 0, y: 0, width: 0.5, height: 1 }',
      '      - { name: right, x: 0.5, y: 0, width: 0.5, height: 0.5 }',
      '  - name: ball',
      `    url: rtsp://127.0.0.1:${camera.port}/live`,
      '    region: { x: 0.25, y: 0.25, width: 0.5, height: 0.5 }',
      'preview: { port: 0, tokenFile: preview.token }',
    ].join('\n'),
  );
  await site.write('preview.token', `${TOKEN}\n`);
  site.startAgent();
  await until('the preview', () => previewUrl() !== undefined);
  browser = await launchBrowser();
  watched = await openPage(browser, { viewport: { width: 1280, height: 900 } });
});

afterAll(async () => {
  await browser?.close();
  await site?.close();
  await camera?.stop();
});

const previewUrl = () => /http:\/\/127\.0\.0\.1:\d+\//.exec(site.logs)?.[0];

/** Mean brightness, 0 to 255, of a part of the picture in fractions of it. */
function brightness(page: Page, x: number, y: number, width: number, height: number): Promise<number> {
  return page.evaluate(
    ([left, top, wide, high]) => {
      const canvas = document.querySelector('canvas')!;
      const context = canvas.getContext('2d')!;
      const part = [left! * canvas.width, top! * canvas.height, wide! * canvas.width, high! * canvas.height];
      const { data } = context.getImageData(part[0]!, part[1]!, part[2]!, part[3]!);
      return (
        data.reduce((sum, value, index) => (index % 4 === 3 ? sum : sum + value), 0) / (data.length * 0.75)
      );
    },
    [x, y, width, height],
  );
}

const share = (page: Page, selector: string) =>
  page.locator(selector).evaluateAll((elements) => {
    const picture = document.querySelector('canvas')!.getBoundingClientRect();
    return elements.map((element) => {
      const box = element.getBoundingClientRect();
      const fractions = [
        (box.left - picture.left) / picture.width,
        (box.top - picture.top) / picture.height,
        box.width / picture.width,
        box.height / picture.height,
      ];
      return fractions.map((value) => Math.round(value * 20) / 20);
    });
  });

it('shows a camera in a browser, with what the network sees of it and what is masked', async () => {
  const { page, complaints, requests } = watched;
  await page.goto(previewUrl()!);
  await page.getByLabel('Token').fill('wrong');
  await page.keyboard.press('Enter');
  await page.getByText('This is not the token of this gateway.').waitFor();
  expect(await page.locator('canvas').isVisible()).toBe(false);

  await page.getByLabel('Token').fill(TOKEN);
  await page.getByRole('button', { name: 'Show the cameras' }).click();
  await expect.poll(() => brightness(page, 0.6, 0.1, 0.3, 0.3), { timeout: 120_000 }).toBeGreaterThan(200);
  expect(await brightness(page, 0.1, 0.1, 0.3, 0.8)).toBeLessThan(40);
  expect(await brightness(page, 0.6, 0.6, 0.3, 0.3)).toBeLessThan(40);
  expect(await page.locator('.region').allTextContents()).toEqual(['left', 'right']);
  expect(await share(page, '.region')).toEqual([
    [0, 0, 0.5, 1],
    [0.5, 0, 0.5, 0.5],
  ]);
  expect(await share(page, '.mask')).toEqual([[0.5, 0.5, 0.5, 0.5]]);

  // Chromium logs each 401 by itself, and that this test reads the picture so often.
  expect(complaints.filter((text) => !/401|getImageData/.test(text))).toEqual([]);
  expect(
    requests.filter((address) => !address.startsWith(previewUrl()!) && !address.startsWith('data:')),
  ).toEqual([]);
  expect(requests.join()).not.toContain(TOKEN);
  expect(site.logs).not.toContain(TOKEN);
  const kept = await page.evaluate(() =>
    JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]),
  );
  expect(kept).not.toContain(TOKEN);
});

it('shows the next camera, whose picture moves', async () => {
  const { page } = watched;
  await page.getByRole('button', { name: 'ball' }).click();
  await expect.poll(() => page.locator('.region').allTextContents()).toEqual(['what the network sees']);
  const seen = new Set<string>();
  const look = async () => {
    seen.add(await page.evaluate(() => document.querySelector('canvas')!.toDataURL()));
    return seen.size;
  };
  await expect.poll(look, { timeout: 120_000, interval: 300 }).toBeGreaterThan(4);
  expect(await share(page, '.region')).toEqual([[0.25, 0.25, 0.5, 0.5]]);
  expect(await page.locator('.mask').count()).toBe(0);
});
